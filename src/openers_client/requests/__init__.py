"""The values that calls send. Each writes itself as the published request body."""
