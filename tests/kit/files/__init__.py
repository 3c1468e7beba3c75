"""Files and letters to send, where they are kept, and who scans and fetches them."""
