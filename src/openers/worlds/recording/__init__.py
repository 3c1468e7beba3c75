"""Calls that are recorded and explained."""
