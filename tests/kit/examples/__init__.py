"""The examples of operations: how they are recorded, and the parts of `docs/operations` that show them."""
