"""Calls to addresses that others have registered. Calls to Patient Administration Systems are in `openers.pas`."""
