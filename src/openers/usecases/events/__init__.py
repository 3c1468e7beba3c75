"""Events: what has happened, recorded in the commit of the act, read in order by a feed, and sent to webhooks."""
