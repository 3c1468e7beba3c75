"""The commands of `openers`, each run in a separate process: effect, output and exit status."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from openers.store.migrations import HEAD
from openers.worlds.packs import pack_names
from tests.kit.run.command import PROGRAM, environment, openers, settings_in
from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.service.demo import PAS_ABOVE, READY
from tests.kit.service.live import free_port, free_port_with, live
from tests.kit.service.running import GP, copied
from tests.kit.store.outside import fetch

BUSY = "openers: another process has the SQLite file open for writing; stop it first\n"


def test_world_list_names_every_pack() -> None:
    """The list has one name in each line."""
    done = openers("world", "list")
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, list(pack_names()), "")


def test_migrate_then_load_then_load_again(empty_url: str, tmp_path: Path) -> None:
    """Each command reports its result. A second load changes nothing."""
    settings = settings_in(tmp_path, empty_url)
    said = [openers("db", "migrate", **settings).stdout for _ in range(2)]
    assert said == ["migrated\n", "nothing to do\n"]
    assert asyncio.run(fetch(empty_url, "SELECT version_num FROM alembic_version")) == [(HEAD,)]
    counts = "SELECT (SELECT count(*) FROM services), (SELECT value FROM counters WHERE name = 'directory_version')"
    seen: list[object] = []
    for _ in range(2):
        done = openers("world", "load", "demo", **settings)
        assert (done.returncode, done.stderr) == (0, "")
        seen.append(asyncio.run(fetch(empty_url, counts)))
    assert seen[0] == seen[1] != [(0, 0)]


def test_nothing_writes_beside_a_service_on_sqlite(sqlite_template: Path, tmp_path: Path) -> None:
    """Another load, migration or service is rejected with one line."""
    settings = settings_in(tmp_path, copied(sqlite_template, tmp_path))
    with live(settings):
        for words in (("world", "load", "demo"), ("db", "migrate"), ("serve", "--port", str(free_port()))):
            done = openers(*words, **settings)
            assert (done.returncode, done.stdout, done.stderr) == (1, "", BUSY), words
    assert openers("db", "migrate", **settings).returncode == 0


REFUSED: list[tuple[tuple[str, ...], dict[str, str], int, tuple[str, ...]]] = [
    (("serve", "--workers", "2"), {}, 2, ("OPENERS_WORKERS must be 1 on SQLite, which has one writer at a time",)),
    (
        ("serve",),
        {"OPENERS_PORT": "99999", "OPENERS_MODE": "prod", "OPENERS_BASE_URI": "x"},
        2,
        ("OPENERS_PORT is '99999'", "OPENERS_MODE is 'prod'", "There is no setting OPENERS_BASE_URI"),
    ),
    (("world", "load", "nowhere"), {}, 1, ("nowhere",)),
    (("db", "migrate"), {"OPENERS_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, 1, ("not available",)),
    (("db", "migrate"), {"OPENERS_DATABASE_URL": "sqlite:////proc/no/a.db"}, 1, ("/proc/no",)),
    (("work",), {}, 2, ("openers work is for PostgreSQL",)),
    (("token", "user", GP.user, "--base-url", "http://127.0.0.1:1"), {}, 1, ("start one with",)),
    (("token", "app", "stranger"), {}, 1, ("no key of stranger is known; known applications:",)),
]


@pytest.mark.parametrize(("words", "changes", "status", "told"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_what_can_t_be_done_is_told_without_a_traceback(
    tmp_path: Path, words: tuple[str, ...], changes: dict[str, str], status: int, told: tuple[str, ...]
) -> None:
    """All problems are reported at once, one in each line.

    The exit status separates wrong settings from other problems.
    """
    done = openers(*words, **{**settings_in(tmp_path), **changes})
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert done.stderr.count("\n") == len(told), done.stderr
    for text in told:
        assert text in done.stderr


def test_a_token_of_a_running_service_opens_it(sqlite_template: Path, tmp_path: Path) -> None:
    """Standard output contains only the token, so that a command line can use it."""
    with live(settings_in(tmp_path, copied(sqlite_template, tmp_path))) as service:
        done = openers("token", "user", GP.user, "--base-url", service.base_url)
        assert (done.returncode, done.stderr) == (0, "")
        headers = {"Authorization": f"Bearer {done.stdout.strip()}", **GP.headers}
        reply = httpx.get(
            f"{service.base_url}/referrals/FHIR/STU3/CodeSystem/PRIORITY", headers=headers, timeout=HANGS_AFTER_S
        )
        assert reply.status_code == 200
        unknown = openers("token", "user", "555000000000", "--base-url", service.base_url)
        assert (unknown.returncode, unknown.stdout, unknown.stderr.count("\n")) == (1, "", 1)


@contextmanager
def demo(settings: dict[str, str]) -> Generator[str]:
    """Run `openers demo`; yield its output until it is ready."""
    process = subprocess.Popen(
        [PROGRAM, "demo", "--port", str(free_port_with(PAS_ABOVE))],
        env=environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if READY in line:
                break
        yield said
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=HANGS_AFTER_S)


@pytest.mark.needs("bash", "curl")
def test_the_call_that_the_demo_prints_works_when_pasted(tmp_path: Path) -> None:
    """The call that the demo prints works when it is pasted into a shell."""
    with demo(settings_in(tmp_path)) as said:
        pasted = "\n".join(line for line in said.splitlines() if line.startswith(("curl ", "  -H ")))
        shell = ["bash", "-c", f"{pasted} -w '\\n%{{http_code}}'"]
        done = subprocess.run(shell, env=os.environ, capture_output=True, text=True, timeout=HANGS_AFTER_S, check=False)
    body, _, status = done.stdout.rpartition("\n")
    assert (status, done.stderr) == ("200", ""), said
    assert '"resourceType":"CodeSystem"' in body


def test_the_heads_of_the_audit_are_in_the_log(sqlite_template: Path, keys: Path, tmp_path: Path) -> None:
    """The service logs the audit heads at start and stop, and a later verification accepts both."""
    settings = settings_in(keys, copied(sqlite_template, tmp_path))
    with live({**settings, "OPENERS_LOG_FORMAT": "json"}) as service:
        service.as_person(GP).get("/STU3/CodeSystem/PRIORITY")
        service.stop()
        lines = service.log().splitlines()
    heads = [line.partition('"head":"')[2].partition('"')[0] for line in lines if '"audit head"' in line]
    assert len(heads) >= 2
    assert openers("audit", "verify", "--head", heads[0], "--head", heads[-1], **settings).returncode == 0
    asyncio.run(fetch(settings["OPENERS_DATABASE_URL"], "UPDATE audit_blocks SET mac = zeroblob(32) WHERE seq = 1"))
    found = openers("audit", "verify", **settings)
    assert (found.returncode, found.stderr) == (
        1,
        "The mac of block 1 of sqlite was altered; its entries are as sealed\n",
    )
