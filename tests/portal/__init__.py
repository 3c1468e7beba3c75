"""The partner portal: its rules, its store, its pages, and who may do what."""
