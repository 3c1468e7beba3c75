"""All jobs, by their kind of due work. Importing this module declares them; each is written in its subject's module.

A module that declares a job must be listed here; `tests/usecases/test_jobs.py` finds one that is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Final

from openers.usecases import purge_credentials
from openers.usecases.advice import converse
from openers.usecases.booking import poll_slots, settle_claims
from openers.usecases.due import DECLARED, Job, Plan
from openers.usecases.events import webhooks
from openers.usecases.files import purge_files, scan_file
from openers.usecases.patients import renew
from openers.usecases.referring import remind_patient
from openers.usecases.sessions import tell_log_out
from openers.usecases.worklists import list_old_referrals

MODULES: Final[tuple[ModuleType, ...]] = (
    converse,
    list_old_referrals,
    poll_slots,
    purge_credentials,
    purge_files,
    remind_patient,
    renew,
    scan_file,
    settle_claims,
    tell_log_out,
    webhooks,
)
"""The modules that declare jobs."""

JOBS: Final[Mapping[str, Job]] = {declared.kind: declared.run for declared in DECLARED.values()}
"""The job for each kind of due work."""

REPEATING: Final = frozenset(declared.kind for declared in DECLARED.values() if declared.repeats)
"""Kinds of due work that always schedule their next run."""

PLANS: Final[tuple[Plan, ...]] = tuple(declared.plan for declared in DECLARED.values() if declared.plan is not None)
"""The functions that plan due work that no act adds."""
