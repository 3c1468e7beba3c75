"""All state is in the database: another process returns the same bytes that the first process wrote."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import httpx
from tests.kit.service.live import live, settings_env
from tests.kit.service.requests import create_for_triage, create_referral
from tests.kit.service.running import GP, copied
from tests.kit.store.stores import PostgresServer

Told = dict[str, tuple[bytes, str]]
"""For each address: the body and the ETag."""

READER = """
import sqlite3, sys
file = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
for ubrn, version in file.execute("SELECT ubrn, version FROM referrals ORDER BY ubrn"):
    print(ubrn, version)
"""
"""A program that reads the database file without the service's code."""

PUBLIC = {"OPENERS_BASE_URL": "http://openers.example"}
"""The public address, which replies contain. It is the same for all processes."""


def written(client: httpx.Client) -> Told:
    """Create two referrals; return the expected reply of each address.

    A reply to a creation has more fields than a read, so the function reads both referrals.
    """
    replies = [client.post(**create()) for create in (create_referral, create_for_triage)]
    assert [reply.status_code for reply in replies] == [201, 201]
    expected = told(client, [f"/STU3/ReferralRequest/{each.json()['id']}" for each in replies])
    assert [etag for _, etag in expected.values()] == [each.headers["etag"] for each in replies]
    return expected


def told(client: httpx.Client, addresses: Iterable[str]) -> Told:
    """Return the reply of each address."""
    replies = {address: client.get(address) for address in addresses}
    assert {reply.status_code for reply in replies.values()} == {200}
    return {address: (reply.content, reply.headers["etag"]) for address, reply in replies.items()}


def read_by_another_program(file: Path) -> list[str]:
    """Return the UBRN and version of every referral in the file."""
    reader = subprocess.run([sys.executable, "-c", READER, file], capture_output=True, text=True, check=True)
    return reader.stdout.splitlines()


def test_what_was_answered_is_in_the_file(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    """Another program reads the same records while the service runs; so does the next service after a kill or stop."""
    environment = PUBLIC | settings_env(copied(sqlite_template, tmp_path), keys)
    with live(environment) as first:
        client = first.as_person(GP)
        expected = written(client)
        kept = [f"{address[-12:]} {etag[3:-1]}" for address, (_, etag) in expected.items()]
        assert read_by_another_program(tmp_path / "openers.db") == kept
        first.kill()
    with live(environment) as second:
        client = second.as_person(GP)
        assert told(client, expected) == expected
        expected |= written(client)
        second.stop()
    with live(environment) as third:
        assert told(third.as_person(GP), expected) == expected


def test_a_token_outlives_the_process(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    """Access tokens are stored in the database, so they stay valid after a restart."""
    environment = PUBLIC | settings_env(copied(sqlite_template, tmp_path), keys)
    with live(environment) as first:
        client = first.as_person(GP)
        expected, headers = written(client), dict(client.headers)
    with live(environment) as second, httpx.Client(base_url=f"{second.base_url}/referrals/FHIR") as client:
        client.headers.update(headers)
        assert told(client, expected) == expected


def test_two_processes_at_once(postgres_server: PostgresServer, postgres_template: str, keys: Path) -> None:
    """On PostgreSQL, each of two services returns at once what the other one wrote."""
    environment = PUBLIC | settings_env(postgres_server.create(postgres_template), keys)
    with live(environment) as one, live(environment) as other:
        clients = one.as_person(GP), other.as_person(GP)
        expected = [written(client) for client in clients]
        assert not expected[0].keys() & expected[1].keys()
        everything = {**expected[0], **expected[1]}
        assert [told(client, everything) for client in clients] == [everything, everything]
