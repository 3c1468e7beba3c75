"""Worklists (A008), tried out through the API with referrals in every state, and along the indexes of the store."""
