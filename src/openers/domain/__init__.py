"""Words and rules of the e-Referral Service. Pure: no input or output, no clock, no logging, no framework, no FHIR."""
