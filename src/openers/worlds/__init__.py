"""Test mode: worlds of invented people and services, with controls that a real service must not offer.

Production never imports this package.
"""
