"""Callers' systems as they are registered: the endpoint, and the certificate that it presents."""
