"""Tests of assurance: rules, reports, and clients whose calls are judged."""
