"""The results of calls. Each has the values that callers need, and the FHIR resource itself in `resource`."""
