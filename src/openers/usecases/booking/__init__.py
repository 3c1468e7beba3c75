"""Appointments: slots, booking in a Patient Administration System (PAS), deferral, settling of claims."""
