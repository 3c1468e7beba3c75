"""Checks of pages in a browser."""
