"""Pages for people, rendered on the server: plain HTML that needs no script and nothing from elsewhere."""
