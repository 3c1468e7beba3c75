"""Advice and guidance: asking, answering, converting and closing."""
