"""Define services: save drafts, publish them, unpublish and end services, and explain why one is not found."""
