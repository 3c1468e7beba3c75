"""OpenERS: an open, stateful implementation of England's e-Referral Service. It is not an NHS service."""
