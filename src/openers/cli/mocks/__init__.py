"""`openers mock`, and the mocks beside the demo: servers in place of national services."""
