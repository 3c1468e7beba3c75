"""Rules of the portal that need no store, no network and no page."""
