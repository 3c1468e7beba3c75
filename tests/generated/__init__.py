"""Code that other people's tools make from our OpenAPI document and CapabilityStatements."""
