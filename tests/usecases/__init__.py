"""Use cases on real stores, where the interfaces above them don't show enough."""
