"""Files of a referral: upload, scan, attach, read, purge."""
