"""Pages of assurance beside the assessment: its files, the hazard log, and the forms of the TOM."""
