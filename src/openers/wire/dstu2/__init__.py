"""FHIR DSTU2 of 2016 to 2018: reads requests and writes resources. Independent of the other FHIR versions."""
