"""Uploaded files: storage of their content, validation, virus scanning, and signed addresses."""
