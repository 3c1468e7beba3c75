"""Documents on paper: the typesetter, its templates and fonts."""
