"""Benchmarks: `make bench` compares the service with two yardsticks in the same run. Not part of `make test`."""
