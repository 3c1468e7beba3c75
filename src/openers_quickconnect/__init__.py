"""Quick Connect: the application for professionals. It uses the published interface only."""
