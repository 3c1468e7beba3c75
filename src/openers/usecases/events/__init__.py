"""Events: recorded in the transaction of their act, read in order by a feed, and sent to webhooks."""
