"""Appointments and slots in STU3."""
