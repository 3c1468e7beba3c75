"""Parsing input from callers takes time in proportion to its length."""
