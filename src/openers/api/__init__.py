"""The service for machines: the FHIR edge, one file for each operation, log-in and tokens, health."""
