"""Advice and guidance in STU3: requests, messages, schemas."""
