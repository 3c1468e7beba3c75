"""One module for each kind of record: how it is found, put and listed."""
