"""The test control below `/_test`: JSON for scripts, and pages for people."""
