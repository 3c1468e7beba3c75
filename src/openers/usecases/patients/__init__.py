"""Patients whose records come from the Personal Demographics Service (PDS): the mirror is refreshed here."""
