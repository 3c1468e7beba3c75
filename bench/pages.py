"""Pages under the load of fifty people who pause five seconds: ten pages a second on the demo world.

`python -m bench.pages` starts the demo world with everything beside it, gives a consultant fifty referrals, and
opens each page in turn. It prints size and time to the first byte. Exit status 1 if a page is too large or too slow.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx
import msgspec
from tests.kit.web.walker import Walker

from bench.processes import free_port, server
from openers.worlds.packs import read_pack
from openers_client import Application, Criteria, Deferral, ErsClient, NewReferral, Role, Shortlist

PAGES_A_SECOND: Final = 10
LARGEST_KB: Final = 60.0
FIRST_BYTE_MS: Final = 100.0
CALLING_MS: Final = 150.0
"""95th percentile of a page of Quick Connect, whose time includes its calls of the service."""
LIST_MS: Final = 200.0
ROWS: Final = 50
KEPT: Final = "200"
"""The usual number of calls that test mode keeps, and shows on a page."""
GP, CONSULTANT = "555073103100", "555031999105"
PATIENT: Final = "9912003888"
TRIAGE: Final = "11004"
LOG_IN: Final = (
    "/oauth2/authorize?response_type=code&client_id=demo-user-app&scope=openid&state=s&nonce=n"
    "&redirect_uri=http://127.0.0.1:8003/callback"
)


class Target(msgspec.Struct, frozen=True):
    """A page: where it is, as whom it is opened, and its limit in milliseconds."""

    name: str
    address: str
    cookies: dict[str, str]
    limit_ms: float = FIRST_BYTE_MS


class PageFigures(msgspec.Struct, frozen=True):
    """The figures of a page: kB of HTML; median and 95th percentile of the time to the first byte."""

    size_kb: float
    median_ms: float
    p95_ms: float
    limit_ms: float

    @property
    def holds(self) -> bool:
        """Whether both limits are kept."""
        return self.size_kb < LARGEST_KB and self.p95_ms < self.limit_ms


def main() -> None:
    """Measure only the pages."""
    parser = argparse.ArgumentParser(prog="bench.pages", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="length of the run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        figures = measure_pages(Path(name), options.seconds)
    sys.exit(0 if report_pages(figures) else 1)


def measure_pages(directory: Path, seconds: int) -> dict[str, PageFigures]:
    """Return the figures of each page."""
    ports = {name: free_port() for name in ("pas", "quickconnect", "portal")}
    words = [each for name, port in ports.items() for each in (f"--{name}-port", str(port))]
    at = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    environ = {"OPENERS_DATABASE_URL": f"sqlite:///{directory / 'pages.db'}", "OPENERS_KEPT_EXCHANGES": KEPT}
    arguments = ["-m", "openers.cli.main", "demo", "--port", "PORT", *words]
    with server(arguments, environ, "/referrals/_ping", directory) as service:
        for address in at.values():
            _await(address)
        ubrn = asyncio.run(_fill(service.base_url))
        targets = _targets(service.base_url, at, ubrn)
        asyncio.run(_run(targets, len(targets)))
        return asyncio.run(_run(targets, seconds * PAGES_A_SECOND))


def report_pages(figures: dict[str, PageFigures]) -> bool:
    """Print the rows of the pages; return whether all keep their limits."""
    print(f"{'pages, 10/s':38}{'kB':>7}{'p50 ms':>9}{'p95 ms':>9}{'at most':>9}")
    for name, each in figures.items():
        mark = "" if each.holds else "  MISSED"
        print(f"{name:38}{each.size_kb:7.1f}{each.median_ms:9.1f}{each.p95_ms:9.1f}{each.limit_ms:9.0f}{mark}")
    return all(each.holds for each in figures.values())


async def _fill(base_url: str) -> str:
    """Send fifty referrals for triage; return the UBRN of the last."""
    application = Application("demo-user-app", read_pack("demo").private_keys["demo-user-app"])
    async with ErsClient(base_url) as client:
        session = await client.log_in_as(application, GP)
        caller = client.caller(session, Role("D82106", "REFERRING_CLINICIAN"))
        shortlist = Shortlist([TRIAGE], Criteria(specialty="CARDIOLOGY", clinic_type="HEART_FAILURE"))
        ubrn = ""
        for _ in range(ROWS):
            made = await caller.create_referral(
                NewReferral(patient=PATIENT, shortlist=shortlist, letter="NOT_INTENDING_TO_ADD", reminder_days=14)
            )
            await caller.defer(made, Deferral(service=TRIAGE, reason="TRIAGE"))
            ubrn = made.ubrn
        return ubrn


def _targets(service: str, at: dict[str, str], ubrn: str) -> list[Target]:
    pages = at["quickconnect"]
    gp_at, gp = _entered(pages, GP)
    provider_at, provider = _entered(pages, CONSULTANT)
    programme = Walker(at["portal"])
    programme.go("/log-in?return_to=/")
    programme.log_in(GP)
    return [
        Target("home page", f"{service}/", {}),
        Target("log-in", f"{service}{LOG_IN}", {}),
        Target("test mode", f"{service}/_test/", {}),
        Target("recorded calls", f"{service}/_test/requests", {}),
        Target("Test PAS", at["pas"], {}),
        Target("portal", at["portal"], programme.cookies),
        Target("Quick Connect: home", gp_at, gp, CALLING_MS),
        Target("Quick Connect: find a patient", f"{gp_at}/patients", gp, CALLING_MS),
        Target("Quick Connect: referral", f"{gp_at}/referrals/{ubrn}", gp, CALLING_MS),
        Target("Quick Connect: triage", f"{provider_at}/referrals/{ubrn}/outcome", provider, CALLING_MS),
        Target("Quick Connect: list of 50 rows", f"{provider_at}/worklists/to-review", provider, LIST_MS),
    ]


def _entered(address: str, user: str) -> tuple[str, dict[str, str]]:
    """Log a person in; return the address of their first role, and their cookies."""
    walker = Walker(address)
    walker.log_in(user)
    walker.close()
    return f"{address}{walker.role}", walker.cookies


async def _run(targets: list[Target], pages: int) -> dict[str, PageFigures]:
    """Open `pages` pages in turn, one each tenth of a second, whether the ones before have answered or not."""
    began = time.perf_counter()
    async with httpx.AsyncClient(timeout=30) as http, asyncio.TaskGroup() as tasks:
        opened = [
            (target, tasks.create_task(_open(http, target, began + number / PAGES_A_SECOND)))
            for number, target in enumerate(targets[number % len(targets)] for number in range(pages))
        ]
    times: dict[str, list[float]] = {target.name: [] for target in targets}
    sizes: dict[str, int] = {}
    for target, task in opened:
        first_byte_ms, sizes[target.name] = task.result()
        times[target.name].append(first_byte_ms)
    return {
        target.name: PageFigures(
            sizes[target.name] / 1000,
            statistics.median(times[target.name]),
            sorted(times[target.name])[max(0, round(len(times[target.name]) * 0.95) - 1)],
            target.limit_ms,
        )
        for target in targets
    }


async def _open(http: httpx.AsyncClient, target: Target, at: float) -> tuple[float, int]:
    """Open a page at its time; return the milliseconds to its first byte, and its bytes."""
    await asyncio.sleep(max(0.0, at - time.perf_counter()))
    sent = time.perf_counter()
    headers = {"accept": "text/html", "cookie": "; ".join(f"{name}={value}" for name, value in target.cookies.items())}
    async with http.stream("GET", target.address, headers=headers) as reply:
        size, first = 0, 0.0
        async for part in reply.aiter_bytes():
            first = first or time.perf_counter()
            size += len(part)
    if reply.status_code != httpx.codes.OK:
        raise RuntimeError(f"{target.name}: {reply.status_code}")
    return (first - sent) * 1000, size


def _await(address: str) -> None:
    """Wait until an application beside the service answers."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            httpx.get(address)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"no answer from {address} within 60 s")


if __name__ == "__main__":
    main()
