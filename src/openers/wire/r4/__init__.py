"""FHIR R4: resources written. Knows nothing of STU3."""
