"""The command line: `openers`."""
