"""A small Patient Administration System, and a service that gives it up soon."""
