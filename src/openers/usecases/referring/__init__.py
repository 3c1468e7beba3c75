"""Referrals: create, read, change, find."""
