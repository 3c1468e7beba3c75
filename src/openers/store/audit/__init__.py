"""The chained audit: blocks, rows, reading and verification."""
