"""`python -m bench.directory`: the cost of A010 in a directory of 61,000 services, against one of 1,000.

A thousand services match the search in both; the others have another clinic type. Both services run beside one another
and are measured in short turns. What counts is the processor time of the serving process for each call: with an origin
that was used before (warm), and with an outward code that was not (new origin). Exit status 1 if a limit is exceeded.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Final

import httpx
from tests.kit.service.requests import criteria, search
from tests.kit.service.running import GP, load_demo, settings_for

from bench.processes import Server, server, work_s
from bench.scenarios import environ_of
from bench.world import crowded
from openers.reference.tables import read_outward_codes
from openers.worlds.packs import read_pack
from openers_client import Application, log_in

SMALL, LARGE = 1_000, 61_000
TURNS: Final = 15
CALLS: Final = 150
"""Calls in a turn, each to either directory."""
FOUND: Final = 20
LIMITS: Final = {"warm": 1.2, "new origin": 1.3}
"""Most times the cost in the small directory."""


class Asked:
    """A running service with a practice's caller, who searches."""

    def __init__(self, service: Server) -> None:
        """Log in."""
        self.service = service
        client = Application("demo-user-app", read_pack("demo").private_keys["demo-user-app"])
        token = log_in(service.base_url, GP.user, client).access_token
        headers = {"Authorization": f"Bearer {token}", **GP.headers}
        self._http = httpx.Client(base_url=f"{service.base_url}/referrals/FHIR", headers=headers)
        self.figures: dict[str, list[float]] = {name: [] for name in LIMITS}

    def turn(self, name: str, postcodes: list[str]) -> None:
        """Search once from each postcode, and keep the milliseconds of processor time for a call."""
        began = work_s(self.service.pid)
        for each in postcodes:
            found = self._http.post(**search(of=criteria({"name": "postcode", "valueString": each})))
            found.raise_for_status()
            if len(found.json()["entry"]) < FOUND:
                raise RuntimeError(f"fewer than {FOUND} services were found")
        self.figures[name].append((work_s(self.service.pid) - began) * 1000 / len(postcodes))


def measure(folder: Path) -> dict[str, dict[str, float]]:
    """Return milliseconds of processor time for a call by kind of origin and by size of the directory."""
    with ExitStack() as stack:
        directories = {size: Asked(stack.enter_context(_serving(folder / str(size), size))) for size in (SMALL, LARGE)}
        fresh = _origins()
        for _ in range(TURNS):
            postcodes = {"warm": ["LS1 4AP"] * CALLS, "new origin": [next(fresh) for _ in range(CALLS)]}
            for name, those in postcodes.items():
                for each in directories.values():
                    each.turn(name, those)
        return {name: {str(size): median(each.figures[name]) for size, each in directories.items()} for name in LIMITS}


def report(figures: dict[str, dict[str, float]]) -> bool:
    """Print the figures; return whether the limits hold."""
    good = True
    for name, most in LIMITS.items():
        small, large = figures[name].values()
        good &= large <= most * small
        print(
            f"A010 {name:12}{small:8.2f} ms at {SMALL:,}{large:8.2f} ms at {LARGE:,} services: {large / small:.2f}, "
            f"at most {most:g}{'' if large <= most * small else '  MISSED'}"
        )
    return good


@contextmanager
def _serving(folder: Path, services: int) -> Generator[Server]:
    """Run a service on a store of its own with this many services, of which `SMALL` match."""
    folder.mkdir()
    settings = settings_for(f"sqlite:///{folder / 'bench.db'}", folder)
    load_demo(settings, crowded(SMALL, beside=services - SMALL))
    arguments = ["-m", "openers.cli.main", "serve", "--port", "PORT"]
    with server(arguments, environ_of(settings), "/referrals/_ping", folder) as service:
        yield service


def _origins() -> Iterator[str]:
    return (f"{outward} 1AA" for outward in read_outward_codes())


def main() -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as name:
        sys.exit(0 if report(measure(Path(name))) else 1)


if __name__ == "__main__":
    main()
