"""The OAuth 2.0 and OpenID Connect provider: one module for each endpoint or shared part."""
