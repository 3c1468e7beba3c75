"""FHIR R4: writes resources. Independent of STU3."""
