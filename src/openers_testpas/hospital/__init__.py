"""The hospital itself: clinics, calendar, slots and what is stored. Knows no HTTP."""
