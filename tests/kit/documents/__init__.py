"""The documents with which tests compare replies and files: OpenAPI documents, published examples, and PDF readers."""
