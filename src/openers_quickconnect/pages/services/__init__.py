"""Pages for service definers: what a service is, as a list of sections, and how it is published, linked and seen."""
