"""The commands that assure a client by its calls."""
