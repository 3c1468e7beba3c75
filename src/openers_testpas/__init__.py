"""Test PAS: a stand-alone Patient Administration System with which a referral service can book appointments.

It is independent: it implements the contract (`docs/reference/pas-contract.md`) and shares no code with the service. It
contains only synthetic data. `python -m openers_testpas serve`, or `openers_testpas.server.serve(options)`.
"""
