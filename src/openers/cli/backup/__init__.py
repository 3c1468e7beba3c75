"""`openers backup`: copy a store with all that belongs to it while services run, and restore it elsewhere."""
