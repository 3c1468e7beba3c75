"""Advice and guidance over the whole service: conversations from question to end."""
