"""Test PAS: a stand-alone Patient Administration System with which a referral service can book appointments.

An island: it knows the contract (`docs/reference/pas-contract.md`) and nothing of the service behind it. It holds
synthetic data only. `python -m openers_testpas serve`, or `openers_testpas.server.serve(options)`.
"""
