"""The HTTP API: the FHIR edge, one file for each operation, log-in and tokens, health."""
