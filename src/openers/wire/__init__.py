"""Between FHIR and the words of the domain: reading, writing, and how errors are told. Pure mapping."""
