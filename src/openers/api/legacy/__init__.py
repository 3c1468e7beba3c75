"""The API of 2018: sessions, operations in DSTU2, and STU3 v1. Source: ADR 0072, 0073."""
