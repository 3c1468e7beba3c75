"""Benchmarks: `make bench` measures the service against two yardsticks of the same run. Not part of `make test`."""
