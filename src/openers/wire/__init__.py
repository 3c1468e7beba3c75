"""Mapping between FHIR and the domain: read requests, write resources, map errors. No input or output."""
