"""Overviews for pages (X003 to X007): our own operations in FHIR Parameters."""
