"""The concepts and rules of the e-Referral Service. No input or output, clock, logging, framework or FHIR."""
