"""FHIR STU3: requests read, resources written. Knows nothing of R4."""
