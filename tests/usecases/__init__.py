"""Tests of use cases on real stores, where the interfaces do not show enough."""
