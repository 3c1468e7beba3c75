"""Services are defined: drafts and their checks, who may refer, and which slots referrers see."""
