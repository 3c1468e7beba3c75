"""All checks, and the texts to which each one applies."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import Final

from tests.checks import caches, logcalls, moments, purity, shape, wording
from tests.checks.source import Check

CORE: Final = (
    "src/openers/domain/*.py",
    "src/openers/usecases/*.py",
    "src/openers/store/*.py",
    "src/openers/api/operations/*.py",
)
TASK_STARTERS: Final = (
    "src/openers/api/http/handshakes.py",
    "src/openers/api/http/reply.py",
    "src/openers/server.py",
    "src/openers/usecases/due.py",
    "src/openers/usecases/patients/refresh.py",
    "src/openers_client/runner.py",
)
"""The modules that may start tasks: TLS, the edge, the runner of due work, the server, which starts the runner, and the
client's face for programs without an event loop, which waits for each task."""
LOCKED: Final = ("requirements/*", "THIRD-PARTY-NOTICES")
"""Lists of hashes, in which any short word may occur, and the words of other projects."""


def _is_core(path: str) -> bool:
    return any(fnmatch(path, pattern) for pattern in CORE)


def _is_ours(path: str) -> bool:
    return path.endswith(".py") and path.startswith(("src/", "tests/", "bench/", "scripts/"))


def _is_service(path: str) -> bool:
    return path.endswith(".py") and path.startswith("src/")


def _is_test(path: str) -> bool:
    return path.endswith(".py") and path.startswith("tests/")


def _may_not_start_tasks(path: str) -> bool:
    return _is_service(path) and path not in TASK_STARTERS


def _is_written_by_us(path: str) -> bool:
    return not any(fnmatch(path, pattern) for pattern in LOCKED)


def may_hold_no_example(path: str) -> bool:
    """Return whether the text must contain no value of a published example.

    These are the texts of the service except its data: worlds and reference data.
    """
    data = (
        "src/openers/worlds/packs/",
        "src/openers/reference/",
        "src/openers/api/examples/",  # recorded in the demo world
        "src/openers_testpas/",
    )
    return path.startswith("src/") and (not path.startswith(data) or path.endswith(".py"))


CHECKS: Final = (
    Check("no clock and no ids of its own", _is_core, purity.clocks_and_ids),
    Check("no HTTP status", _is_core, purity.statuses),
    Check("no task on the side", _may_not_start_tasks, purity.side_tasks),
    Check("bounded caches", _is_service, caches.caches),
    Check("log calls with fields", _is_service, logcalls.composed_messages),
    Check("instants that are cut", _is_test, moments.uncut_instants),
    Check("sizes", _is_ours, shape.sizes),
    Check("docstrings", _is_ours, shape.docstrings),
    Check("return types", _is_ours, shape.return_types),
    Check("silencers with reasons", _is_ours, shape.silencers),
    Check("wording", _is_written_by_us, wording.unwelcome),
)
"""Every check that needs only the text. `examples.borrowed` also needs the published examples."""
