"""The hospital itself: clinics, calendar, slots and the store. It contains no HTTP."""
