"""Tests that kill the service, and tests that data is on disk before a reply is sent."""
