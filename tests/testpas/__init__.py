"""Tests of the Test PAS. `contract.py` has the tests that any system under the contract must pass."""
