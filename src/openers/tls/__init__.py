"""Transport Layer Security (TLS): contexts, trusted authorities, client certificates, and our own authorities."""
