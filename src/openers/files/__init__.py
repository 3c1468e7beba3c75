"""Uploaded files: where their content is kept, what it really is, whether it is safe, and signed addresses for it."""
