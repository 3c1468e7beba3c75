"""FHIR STU3: reads requests, writes resources. Independent of R4."""
