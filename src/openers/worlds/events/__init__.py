"""The event log for others: read from a number on, as a stream that stays open, and sent to webhooks."""
