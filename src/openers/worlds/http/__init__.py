"""What test mode offers below `/_test`: each thing as JSON for scripts, and as a page for people."""
