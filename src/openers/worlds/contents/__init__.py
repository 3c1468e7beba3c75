"""A world as a whole: described for people, and as one file."""
