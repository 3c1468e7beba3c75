"""Calls to registered webhook addresses. `openers.pas` calls Patient Administration Systems."""
