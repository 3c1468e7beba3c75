"""The lifecycle of referrals and of requests for advice."""
