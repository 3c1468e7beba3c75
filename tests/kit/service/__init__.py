"""The service for tests: in the test's own process or one of its own, its people and their requests."""
