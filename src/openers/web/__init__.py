"""Pages for people, rendered on the server: plain HTML without scripts and external resources."""
