"""The connector to Patient Administration Systems: FHIR R4 scheduling over HTTP, as any such server may speak it."""
