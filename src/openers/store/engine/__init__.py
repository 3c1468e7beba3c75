"""What all of the store stands on: tables, statements, connections, batches, the writer lock."""
