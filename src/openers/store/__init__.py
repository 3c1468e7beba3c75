"""Durable state: the only package with SQL. The same tables and statements serve SQLite and PostgreSQL."""
