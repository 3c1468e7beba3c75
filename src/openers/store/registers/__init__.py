"""Administered records in SQL: tables with a version, whose replaced values history keeps."""
