"""Services are defined: drafts, publishing, who may refer, which slots are seen, and why something is not there."""
