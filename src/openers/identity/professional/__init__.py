"""Professional sessions: log-in tokens of smartcards, and the sessions that programs begin with them."""
