"""Printed documents: templates, fonts, and the typesetter that makes PDFs."""
