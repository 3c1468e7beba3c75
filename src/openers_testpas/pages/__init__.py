"""The pages of the Test PAS: the hospital's diary."""
