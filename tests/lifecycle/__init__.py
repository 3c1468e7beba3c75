"""The life of a referral."""
