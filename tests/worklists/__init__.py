"""Worklists (A008): referrals in every state through the API, and the store's indexes."""
