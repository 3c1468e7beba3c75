"""A small Patient Administration System (PAS), and a service with a short timeout for a PAS that hangs."""
