"""The web kit: parts, pages in a browser, forms, log-in and sessions."""
