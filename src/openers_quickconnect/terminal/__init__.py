"""Commands for a terminal: prove a connection, and download worklists."""
