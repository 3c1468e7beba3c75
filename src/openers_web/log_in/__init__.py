"""Log-in of an application as an OpenID Connect relying party, and what it makes of requests with a session."""
