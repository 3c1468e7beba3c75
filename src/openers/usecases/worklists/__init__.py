"""Worklists of referrals and of advice."""
