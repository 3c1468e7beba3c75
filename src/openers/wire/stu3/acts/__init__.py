"""Acts on a referral in STU3: requests, schemas, and what can be done."""
