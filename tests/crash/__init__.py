"""What survives when the service is killed, and what is on disk before a reply goes out."""
