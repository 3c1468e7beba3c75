"""Tests of advice and guidance through the API: conversations from the first question to the end."""
