"""Users and referrals in each state, linked to a PAS, and the request bodies of acts on referrals."""
