"""What the Test PAS sends to the service: keys, outbox, notifications."""
