"""`openers admin`: begin and use the administration of a service."""
