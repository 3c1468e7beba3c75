"""The JSON of the session API: what A001 and A002 receive and return, and its errors. It is not FHIR."""
