"""Reading what callers send takes time in proportion to its length, whatever it is."""
