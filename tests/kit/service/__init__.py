"""The service under test, in the test's process or in a separate one, with its users and their requests."""
