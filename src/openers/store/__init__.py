"""Durable state: the only place with SQL. One definition of tables and statements serves SQLite and PostgreSQL."""
