"""Administration: who may register what, and the values of a change."""
