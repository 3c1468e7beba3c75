"""The system calls of a running service: between a request and its reply the database's log is synced to disk.

A kill shows only that the kernel has the data; this shows that the disk was told to keep it.
"""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.command import settings_in
from tests.live import Live, live
from tests.requests import create_referral
from tests.service import GP, copied

CALLS = "trace=read,recvfrom,recvmsg,fsync,fdatasync,write,writev,sendto,sendmsg,pwrite64"
SYNC = re.compile(r"(fsync|fdatasync)\(\d+<[^>]*openers\.db-wal>")
REPLY = re.compile(r"(write|writev|sendto|sendmsg)\(\d+<[^>]*>.*HTTP/1\.1 (200|201|422) ")


@contextmanager
def traced(service: Live, into: Path) -> Generator[None]:
    """Every call of the service's threads goes into the file."""
    command = ["strace", "-f", "-y", "-s", "64", "-e", CALLS, "-o", str(into), "-p", str(service.pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()


def order_of(trace: str, request: str) -> list[str]:
    """From the request on: each sync of the write-ahead log and the reply, in the order in which they were called."""
    received = re.compile(rf"(read|recvfrom|recvmsg)\(.*{re.escape(request)}")
    seen: list[str] = []
    for line in trace.splitlines():
        if received.search(line):
            seen = ["request"]
        elif seen and SYNC.search(line):
            seen.append("sync")
        elif seen and REPLY.search(line):
            return [*seen, "reply"]
    return seen


@pytest.mark.needs("strace")
def test_acts_reads_and_refusals_are_synced_before_their_replies(sqlite_template: Path, tmp_path: Path) -> None:
    """An act for itself, a read and a refusal for their audit entries."""
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
