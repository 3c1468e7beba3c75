"""TLS: the listener, client certificates, trusted proxies, certificate authorities."""
