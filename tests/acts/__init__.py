"""Every act on a referral through the API, with a small PAS behind the service, and what administrators do."""
