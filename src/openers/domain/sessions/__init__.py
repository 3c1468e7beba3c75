"""Sessions of the session API: a person with a smartcard, in one role, at a registered endpoint."""
