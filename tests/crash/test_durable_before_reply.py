"""The system calls of a running service: before each reply, it syncs the data to disk.

A kill shows only that the kernel has the data; these tests show that the service requested the sync.
"""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.files.clients import A020, Desk
from tests.kit.run.command import settings_in
from tests.kit.service.live import Live, live
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, copied

CALLS = "trace=read,recvfrom,recvmsg,fsync,fdatasync,rename,write,writev,sendto,sendmsg,pwrite64"
SYNC = re.compile(r"(fsync|fdatasync)\(\d+<[^>]*openers\.db-wal>")
"""A sync of the database's log."""
ACT_STEPS = {"sync": SYNC}
FILE_STEPS = {
    "content": re.compile(r"(fsync|fdatasync)\(\d+<[^>]*/drafts/"),
    "name": re.compile(r'rename\(".*/drafts/'),
    "directory": re.compile(r"fsync\(\d+<[^>]*/openers\.db\.blobs/[0-9a-f]{2}>"),
    "sync": SYNC,
}
"""The steps of an upload: sync and name its content, sync the directory, then sync the database's log."""
REPLY = re.compile(r"(write|writev|sendto|sendmsg)\(\d+<[^>]*>.*HTTP/1\.1 (200|201|422) ")


@contextmanager
def traced(service: Live, into: Path) -> Generator[None]:
    """Write every system call of the service's threads into a file."""
    command = ["strace", "-f", "-y", "-s", "64", "-e", CALLS, "-o", str(into), "-p", str(service.pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()


def order_of(trace: str, request: str, steps: Mapping[str, re.Pattern[str]] = ACT_STEPS) -> list[str]:
    """Return the steps and the reply that follow the request, in the order of their calls."""
    received = re.compile(rf"(read|recvfrom|recvmsg)\(.*{re.escape(request)}")
    seen: list[str] = []
    for line in trace.splitlines():
        if received.search(line):
            seen = ["request"]
        elif seen and (step := next((name for name, call in steps.items() if call.search(line)), None)):
            seen.append(step)
        elif seen and REPLY.search(line):
            return [*seen, "reply"]
    return seen


@pytest.mark.needs("strace")
def test_acts_reads_and_refusals_are_synced_before_their_replies(sqlite_template: Path, tmp_path: Path) -> None:
    """An operation syncs its own data before its reply; a read and a refusal sync their audit entries."""
    with live(settings_in(tmp_path, copied(sqlite_template, tmp_path))) as service:
        gp = service.as_person(GP)
        ubrn = gp.post(**create_referral()).json()["id"]
        with traced(service, tmp_path / "trace"):
            assert gp.post(**create_referral()).status_code == 201
            assert gp.get(f"/STU3/ReferralRequest/{ubrn}").status_code == 200
            assert gp.post(**create_referral(services=("999999",))).status_code == 422
    trace = (tmp_path / "trace").read_text()
    act, refusal = trace.split("GET /referrals/FHIR/STU3/ReferralRequest/")
    assert order_of(act, "POST /referrals") == ["request", "sync", "reply"], trace
    assert order_of(trace, "GET /referrals/FHIR/STU3/ReferralRequest") == ["request", "sync", "reply"], trace
    assert order_of(refusal, "POST /referrals") == ["request", "sync", "reply"], trace


@pytest.mark.needs("strace")
def test_a_file_is_synced_before_what_is_known_of_it(sqlite_template: Path, tmp_path: Path) -> None:
    """An upload syncs its content, then its name, then the commit, and only then replies."""
    with live(settings_in(tmp_path, copied(sqlite_template, tmp_path))) as service:
        desk = Desk(service)
        with traced(service, tmp_path / "trace"):
            assert desk.gp.post(A020, content=b"Dear colleague", headers=desk.headers()).status_code == 201
    trace = (tmp_path / "trace").read_text()
    in_order = ["request", *FILE_STEPS, "reply"]
    assert order_of(trace, "POST /referrals/FHIR/STU3/Binary", FILE_STEPS) == in_order, trace
