"""The connector to Patient Administration Systems (PAS): FHIR R4 scheduling over HTTP, for any such server."""
