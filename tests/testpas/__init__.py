"""Tests of the Test PAS. `contract.py` holds those that any system which keeps to the contract has to pass."""
