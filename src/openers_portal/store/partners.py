"""Partners with their people and products. Each query for a product names its partner too."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from openers_portal.access import Role
from openers_portal.rules.milestones import Event, Happening
from openers_portal.rules.partners import Partner, Product
from openers_portal.store.tables import EVENTS, MEMBERS, PARTNERS, PRODUCTS
from openers_web.database import Database

MOST: Final = 500
"""Partners, products or events in a list."""


class StoredPartner(msgspec.Struct, frozen=True):
    """A partner with its id."""

    id: str
    partner: Partner


class StoredProduct(msgspec.Struct, frozen=True):
    """A product with its id."""

    id: str
    product: Product


class Member(msgspec.Struct, frozen=True):
    """A person at a partner."""

    subject: str
    name: str
    role: Role


class Taken(Exception):
    """Another partner has this code."""


class LastManager(Exception):
    """A partner keeps at least one manager."""


class Partners:
    """The partners in the store."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Use a migrated database."""
        self._database, self._clock = database, clock

    async def register(self, partner: Partner, manager: Member) -> str:
        """Store a partner with its first manager; return its id. Raises Taken."""
        id = secrets.token_hex(8)

        def work(db: Connection) -> None:
            db.execute(insert(PARTNERS).values(id=id, code=partner.code, body=msgspec.json.encode(partner)))
            db.execute(insert(MEMBERS).values(partner=id, **_columns(manager)))

        try:
            await self._database.run(work)
        except IntegrityError:
            raise Taken from None
        return id

    async def partner(self, id: str) -> StoredPartner | None:
        """Return a partner."""
        query = select(PARTNERS.c.body).where(PARTNERS.c.id == id)
        body = await self._database.run(lambda db: db.execute(query).scalar())
        return None if body is None else StoredPartner(id, msgspec.json.decode(body, type=Partner))

    async def all(self, ids: Sequence[str] | None) -> Sequence[StoredPartner]:
        """Return the partners with these ids, or all of them."""
        query = select(PARTNERS.c.id, PARTNERS.c.body).order_by(PARTNERS.c.code).limit(MOST)
        query = query if ids is None else query.where(PARTNERS.c.id.in_(ids))
        rows = await self._database.run(lambda db: db.execute(query).all())
        return [StoredPartner(id, msgspec.json.decode(body, type=Partner)) for id, body in rows]

    async def roles(self, subject: str) -> Mapping[str, Role]:
        """Return the partners of a person with the role there."""
        query = select(MEMBERS.c.partner, MEMBERS.c.role).where(MEMBERS.c.subject == subject)
        rows = await self._database.run(lambda db: db.execute(query).all())
        return {partner: Role(role) for partner, role in rows}

    async def members(self, partner: str) -> Sequence[Member]:
        """Return the people of a partner."""
        query = select(MEMBERS).where(MEMBERS.c.partner == partner).order_by(MEMBERS.c.name)
        rows = await self._database.run(lambda db: db.execute(query).mappings().all())
        return [Member(row["subject"], row["name"], Role(row["role"])) for row in rows]

    async def put_member(self, partner: str, member: Member) -> None:
        """Add a person to a partner, or change the role. Raises LastManager."""
        await self._database.run(lambda db: _replace(db, partner, member.subject, member))

    async def remove_member(self, partner: str, subject: str) -> None:
        """Remove a person from a partner. Raises LastManager."""
        await self._database.run(lambda db: _replace(db, partner, subject, None))

    async def add_product(self, partner: str, product: Product, by: str) -> str:
        """Store a product with the event of its registration; return its id."""
        id = secrets.token_hex(8)
        event = self._event(Happening.REGISTERED, by, f"{product.name} {product.version} was registered")

        def work(db: Connection) -> None:
            db.execute(insert(PRODUCTS).values(id=id, partner=partner, body=msgspec.json.encode(product)))
            _add_event(db, id, event, "")

        await self._database.run(work)
        return id

    async def products(self, partner: str) -> Sequence[StoredProduct]:
        """Return the products of a partner."""
        query = select(PRODUCTS.c.id, PRODUCTS.c.body).where(PRODUCTS.c.partner == partner).limit(MOST)
        rows = await self._database.run(lambda db: db.execute(query).all())
        found = [StoredProduct(id, msgspec.json.decode(body, type=Product)) for id, body in rows]
        return sorted(found, key=lambda each: each.product.name.casefold())

    async def product(self, partner: str, id: str) -> StoredProduct | None:
        """Return a product of a partner."""
        query = select(PRODUCTS.c.body).where(PRODUCTS.c.partner == partner, PRODUCTS.c.id == id)
        body = await self._database.run(lambda db: db.execute(query).scalar())
        return None if body is None else StoredProduct(id, msgspec.json.decode(body, type=Product))

    async def tell_settings(self, partner: str, id: str, product: Product, by: str) -> None:
        """Store how a product will use the service, with the event."""
        event = self._event(Happening.SETTINGS, by, "Usage and settings were submitted")
        change = update(PRODUCTS).where(PRODUCTS.c.partner == partner, PRODUCTS.c.id == id)

        def work(db: Connection) -> None:
            if db.execute(change.values(body=msgspec.json.encode(product))).rowcount:
                _add_event(db, id, event, "")

        await self._database.run(work)

    async def events(self, product: str) -> Sequence[Event]:
        """Return the events of a product, the oldest first."""
        query = select(EVENTS).where(EVENTS.c.product == product).order_by(EVENTS.c.number).limit(MOST)
        rows = await self._database.run(lambda db: db.execute(query).mappings().all())
        return [
            Event(
                kind=Happening(row["kind"]),
                at=datetime.fromtimestamp(row["at"], UTC),
                by=row["by"],
                evidence=row["evidence"],
            )
            for row in rows
        ]

    async def happened(self, product: str, event: Event, once: str) -> None:
        """Add an event, unless the product has one with the same text `once`."""
        await self._database.run(lambda db: _add_event(db, product, event, once))

    async def begin_assessment(self, product: str, environment: str, cursor: str, by: str) -> None:
        """Store that only calls after a cursor in the log of an environment are assessed from now on."""
        event = self._event(Happening.ASSESSMENT, by, f"A new assessment was begun in {environment}")
        await self.happened(product, event, f"{cursor} {environment}")

    async def beginning_of_assessment(self, product: str, environment: str) -> str | None:
        """Return the cursor after which calls are assessed; nothing if all are."""
        columns = EVENTS.c
        query = select(columns.once).where(columns.product == product, columns.kind == Happening.ASSESSMENT)
        newest = query.order_by(columns.number.desc()).limit(MOST)
        found = await self._database.run(lambda db: db.execute(newest).scalars().all())
        pairs = (each.partition(" ") for each in found)
        return next((cursor for cursor, _, name in pairs if name == environment), None)

    def _event(self, kind: Happening, by: str, evidence: str) -> Event:
        return Event(kind=kind, at=self._clock(), by=by, evidence=evidence)


def _add_event(db: Connection, product: str, event: Event, once: str) -> None:
    if once and db.execute(select(EVENTS.c.number).where(EVENTS.c.product == product, EVENTS.c.once == once)).first():
        return
    values = {"product": product, "kind": event.kind, "by": event.by, "evidence": event.evidence, "once": once}
    db.execute(insert(EVENTS).values(**values, at=int(event.at.timestamp())))


def _replace(db: Connection, partner: str, subject: str, member: Member | None) -> None:
    """Replace a person by what the person is now; keep a manager. Raises LastManager."""
    managers = select(MEMBERS.c.subject).where(MEMBERS.c.partner == partner, MEMBERS.c.role == Role.MANAGER)
    others = [each for each in db.execute(managers.with_for_update()).scalars() if each != subject]
    if not others and (member is None or member.role is not Role.MANAGER):
        raise LastManager
    db.execute(delete(MEMBERS).where(MEMBERS.c.partner == partner, MEMBERS.c.subject == subject))
    if member is not None:
        db.execute(insert(MEMBERS).values(partner=partner, **_columns(member)))


def _columns(member: Member) -> dict[str, str]:
    return {"subject": member.subject, "name": member.name, "role": member.role}
