"""What pages show around a request: its next step, and the search for a patient."""
