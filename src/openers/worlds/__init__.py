"""Test mode: worlds of invented people and services, and all that can be done to them that no real service allows.

Production never imports this package.
"""
