"""Measure how long hostile calls delay others: headers of 8 kB and nested JSON, in test mode with its inspector on.

Each hostile request is sent on one connection. Requests to `/referrals/_ping` follow on another one until some have
been answered after it. The delay is the slowest ping of such a round minus that of a round without it; each is the
median of many rounds. `python -m bench.hostile` runs only this measurement.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import httpx
import msgspec
from tests.kit.service.running import FHIR, GP, load_demo, settings_for

from bench.processes import server
from openers.settings import Settings
from openers.worlds.packs import read_pack
from openers_client import Application, log_in

DELAY_MS: Final = 50.0
"""Maximum delay of a ping by a hostile call."""
ROUNDS: Final = 31
BEHIND: Final = 5
"""Number of pings after the reply, while the call is still being recorded."""
PING: Final = "/referrals/_ping"
BASE: Final = "/referrals/FHIR/STU3"
BODIES: Final = {
    "objects in each other": b'{"a":' * 1_500 + b"1" + b"}" * 1_500,
    "arrays in each other": b"[" * 50_000 + b"]" * 50_000,
    "faulty nodes": b'{"parameter":[' + b",".join([b"{}"] * 2_500) + b"]}",
    "texts to be masked": b'{"a":[' + b",".join(b'{"family":"a%05d"}' % each for each in range(400)) + b"]}",
}


class Call(msgspec.Struct, frozen=True):
    """A hostile request."""

    name: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


def calls(token: str) -> list[Call]:
    """Return the hostile requests; those with a header need no token."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": FHIR, **GP.headers}
    path = f"{BASE}/ReferralRequest/$ers.createReferral"
    texts = {"a letter": "a", "token": "token", "quotes": '\\"', "eyJ": "eyJ", "digits": "1 ", "code": "code "}
    long = [
        Call(f"header of {name}", "GET", f"{BASE}/CodeSystem/PRIORITY", {"X-A": (text * (8000 // len(text))).strip()})
        for name, text in texts.items()
    ]
    return [*long, *(Call(name, "POST", path, headers, body) for name, body in BODIES.items())]


def measure_hostile(base_url: str, hostile: list[Call]) -> dict[str, float]:
    """Return the delay that each request adds to the slowest ping of a round, in milliseconds."""
    with (
        httpx.Client(base_url=base_url, timeout=60) as one,
        httpx.Client(base_url=base_url, timeout=60) as other,
        ThreadPoolExecutor(1) as sender,
    ):

        def _round_ms(call: Call) -> float:
            sent = sender.submit(one.request, call.method, call.path, headers=call.headers, content=call.body)
            return _slowest_ms(sent, call, other)

        quiet = median(_round_ms(Call("quiet", "GET", PING, {})) for _ in range(ROUNDS))
        slowest = {call.name: median(_round_ms(call) for _ in range(ROUNDS)) for call in hostile}
    return {name: max(0.0, took - quiet) for name, took in slowest.items()}


def _slowest_ms(sent: Future[httpx.Response], call: Call, other: httpx.Client) -> float:
    """Return the time of the slowest ping while a request is in progress and being recorded."""
    took = _ping_ms(other)
    while not sent.done():
        took = max(took, _ping_ms(other))
    if sent.result().status_code >= 500:
        raise RuntimeError(f"{call.name}: {sent.result().status_code}")
    return max(took, *(_ping_ms(other) for _ in range(BEHIND)))


def _ping_ms(client: httpx.Client) -> float:
    began = perf_counter()
    client.get(PING).raise_for_status()
    return (perf_counter() - began) * 1000


def hostile_delays(settings: Settings, directory: Path) -> dict[str, float]:
    """Return the delays at a separate service, on a store with the demo world."""
    environ = {
        "OPENERS_DATABASE_URL": settings.database_url,
        "OPENERS_AUDIT_KEY_FILE": str(settings.audit_key_file),
        "OPENERS_SIGNING_KEY_FILE": str(settings.signing_key_file),
        "OPENERS_ACCESS_CODE_KEY_FILE": str(settings.access_code_key_file),
        "OPENERS_KEPT_EXCHANGES": "200",
    }
    with server(["-m", "openers.cli.main", "serve", "--port", "PORT"], environ, PING, directory) as service:
        client = Application("demo-user-app", read_pack("demo").private_keys["demo-user-app"])
        token = log_in(service.base_url, GP.user, client).access_token
        return measure_hostile(service.base_url, calls(token))


def report_hostile(delays: Mapping[str, float]) -> bool:
    """Print the slowest; return whether it meets the bar."""
    name = max(delays, key=delays.__getitem__)
    held = delays[name] <= DELAY_MS
    print(
        f"{'ping behind hostile':22}{delays[name]:11.1f} ms ({name}), at most {DELAY_MS:g}{'' if held else '  MISSED'}"
    )
    return held


def main() -> None:
    """Run only this measurement, and print the delay of each request."""
    with tempfile.TemporaryDirectory() as name:
        settings = settings_for(f"sqlite:///{name}/hostile.db", Path(name))
        load_demo(settings)
        delays = hostile_delays(settings, Path(name))
    for each, delay in delays.items():
        print(f"{each:30}{delay:8.1f} ms")
    sys.exit(0 if report_hostile(delays) else 1)


if __name__ == "__main__":
    main()
