"""Changes that tests make to a running service: additional records, moved clocks, gateway limits."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from openers.api.gateway import Gateway
from openers.api.rate_limit import RateLimit
from openers.domain.clock import Clock, Instant
from openers.domain.credentials import Application
from openers.domain.directory import Service, User
from openers.domain.identifiers import NhsNumber, ServiceId, UserId
from openers.domain.patient import Patient
from tests.kit.service.requests import create_for_triage, create_referral
from tests.kit.service.running import GP, Running, edge_in, entry


@dataclass
class Moved:
    """A clock that is ahead of or behind another one by a fixed time."""

    clock: Clock
    by: timedelta = timedelta()

    def now(self) -> Instant:
        """Return the moved time."""
        return self.clock.now() + self.by


@dataclass
class Stopped:
    """A stopped clock."""

    at: Instant

    def now(self) -> Instant:
        """Return the time at which it stopped."""
        return self.at


@dataclass
class Stopwatch:
    """A stopwatch that advances only when a test changes it."""

    seconds: float = 0.0

    def __call__(self) -> float:
        """Return the elapsed seconds."""
        return self.seconds


def at_time(run: Running, *, clock: Clock | None = None, wall: Clock | None = None) -> Running:
    """Return the same service with other clocks."""
    service = run.service
    world = msgspec.structs.replace(service.world, clock=clock or service.world.clock, wall=wall or service.world.wall)
    edge = edge_in(world, service)
    return Running(msgspec.structs.replace(service, world=world, edge=edge), run.clients)


def gated(run: Running, *, limit: RateLimit | None = None, allowed: frozenset[str] | None = None) -> Running:
    """Return the same service with another rate limit and organisation allow-list at its gateway."""
    service = run.service
    gateway: Gateway = msgspec.structs.replace(
        service.edge.gateway, limit=limit or service.edge.gateway.limit, allowed=allowed
    )
    return Running(
        msgspec.structs.replace(service, edge=msgspec.structs.replace(service.edge, gateway=gateway)), run.clients
    )


def settled(run: Running, **changes: Any) -> Running:
    """Return the same service with other settings at its edge."""
    settings = msgspec.structs.replace(run.service.settings, **changes)
    edge = msgspec.structs.replace(run.service.edge, settings=settings)
    return Running(msgspec.structs.replace(run.service, edge=edge, settings=settings), run.clients)


async def put(run: Running, *records: User | Application | Patient | Service) -> None:
    """Add or replace records of the world."""
    world = run.service.world.for_call(entry())
    async with world.begin("arrange a test") as tx:
        for record in records:
            match record:
                case User():
                    await tx.directory.put_user(record)
                case Application():
                    await tx.directory.put_application(record)
                case Patient():
                    await tx.patients.put(record)
                case Service():
                    await tx.directory.put_service(record)
    run.service.edge.gateway.access.clear()


async def patient_called(run: Running, number: str) -> Patient:
    """Return the patient with this NHS number."""
    async with run.service.world.read() as tx:
        found = await tx.patients.get(NhsNumber(number))
    assert found is not None
    return found


async def user_called(run: Running, number: str) -> User:
    """Return the user with this id."""
    async with run.service.world.read() as tx:
        found = await tx.directory.user(UserId(number))
    assert found is not None
    return found


async def service_called(run: Running, number: str) -> Service:
    """Return the service with this id."""
    async with run.service.world.read() as tx:
        found = await tx.directory.service(ServiceId(number))
    assert found is not None
    return found.value


async def sent_for_triage(run: Running, service: str = "11004") -> str:
    """Create a referral that awaits triage; return its UBRN."""
    gp = await run.as_person(GP)
    reply = await gp.post(**create_for_triage(services=(service,)))
    assert reply.status_code == 201, reply.text
    return str(reply.json()["id"])


async def created(run: Running) -> str:
    """Create a referral without an appointment; return its UBRN."""
    gp = await run.as_person(GP)
    reply = await gp.post(**create_referral())
    assert reply.status_code == 201, reply.text
    return str(reply.json()["id"])


def stored(run: Running) -> list[tuple[Any, ...]]:
    """Return everything that acts have stored: referrals, conversations, earlier versions and counters."""
    path = run.service.settings.sqlite_path
    assert path is not None
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        rows = [
            row
            for table in ("referrals", "conversations", "history", "counters")
            for row in connection.execute(f"SELECT '{table}', * FROM {table} ORDER BY 2, 3")
        ]
    connection.close()
    return rows


def instant(moment: datetime) -> str:
    """Return an instant as FHIR writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
