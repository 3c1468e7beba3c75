"""Documents that replies and files are held against or read as: OpenAPI, published examples, PDFs."""
