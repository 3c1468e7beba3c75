"""Acts on a referral in STU3: requests, schemas, and available actions."""
