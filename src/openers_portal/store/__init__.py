"""The portal's own store, on SQLite or PostgreSQL."""
