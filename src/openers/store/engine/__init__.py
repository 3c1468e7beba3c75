"""The base of the store: tables, statements, connections, batches, the writer lock."""
