"""Advice and guidance: ask, respond, convert and close."""
