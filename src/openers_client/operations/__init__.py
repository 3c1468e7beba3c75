"""The operations by subject. `openers_client.caller.Caller` has them all."""
