"""Record and explain calls."""
