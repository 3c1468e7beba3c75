"""Decisions on a referral: accept, reject, review, cancel."""
