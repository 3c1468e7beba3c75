"""The directory in SQL: organisations, sites, users, services, registered applications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec
from sqlalchemy import ARRAY, BigInteger, String, Table, bindparam, cast, column, func, select

from openers.domain.credentials import Application
from openers.domain.directory import Organisation, Service, ServiceStatus, Site, User
from openers.domain.identifiers import OdsCode, ServiceId, UserId
from openers.store.engine.statements import Connection, Row, Statement, decoder
from openers.store.engine.tables import applications, counters, organisations, services, sites, user_roles, users
from openers.store.registers.people_search import FIND_PEOPLE, pattern_of
from openers.store.registers.registers import SqlRegisters
from openers.store.registers.services import DIRECTORY_VERSION
from openers.usecases.ports.transaction import Stored

T = TypeVar("T")


def _by_key(table: Table, key: str) -> Statement:
    return Statement(select(table.c.body).where(table.c[key] == bindparam("key")))


_ORGANISATION = _by_key(organisations, "ods")
_SITE = _by_key(sites, "ods")
_USER = _by_key(users, "id")
_APPLICATION = _by_key(applications, "client_id")
_APPLICATIONS = Statement(select(applications.c.body).order_by(applications.c.client_id))
_USERS = Statement(select(users.c.body).order_by(users.c.id))
_USERS_AT = Statement(
    select(users.c.body)
    .join_from(user_roles, users, user_roles.c.user == users.c.id)
    .where(user_roles.c.organisation == bindparam("key"))
    .order_by(users.c.id)
)
_SERVICE = Statement(select(services.c.version, services.c.body).where(services.c.id == bindparam("key")))
_ids = bindparam("ids", type_=String)
_wanted = select(services.c.id, services.c.version, services.c.body)
_SERVICES = Statement(
    _wanted.where(services.c.id.in_(select(column("value", BigInteger)).select_from(func.json_each("[" + _ids + "]")))),
    _wanted.where(services.c.id == func.any(cast(func.string_to_array(_ids, ","), ARRAY(BigInteger)))),
)
"""Selects services by a comma-separated text of ids: one statement for any number of them."""
_CHANGED = Statement(
    select(services.c.changed, services.c.body)
    .where(services.c.changed > bindparam("after"))
    .order_by(services.c.changed)
    .limit(bindparam("most"))
)
_PUBLISHED = Statement(
    select(services.c.body)
    .where(services.c.status == bindparam("status"), services.c.id > bindparam("after"))
    .order_by(services.c.id)
    .limit(bindparam("most"))
)
_VERSION = Statement(select(counters.c.value).where(counters.c.name == bindparam("name")))

_organisation = decoder(Organisation)
_site = decoder(Site)
_user = decoder(User)
_service = decoder(Service)
_application = decoder(Application)


class SqlDirectory:
    """The `Directory` port over one connection."""

    __slots__ = ("_connection", "_registers")

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        self._connection, self._registers = connection, SqlRegisters(connection)

    async def version(self) -> int:
        """Return a number that rises with each change to the services."""
        row = await self._connection.row(_VERSION, {"name": DIRECTORY_VERSION})
        return int(row[0] or 0) if row else 0

    async def organisation(self, ods: OdsCode) -> Organisation | None:
        """Return the organisation with this code."""
        return await self._one(_ORGANISATION, ods, _organisation)

    async def site(self, ods: OdsCode) -> Site | None:
        """Return the site with this code."""
        return await self._one(_SITE, ods, _site)

    async def user(self, user: UserId) -> User | None:
        """Return the user with this id."""
        return await self._one(_USER, user, _user)

    async def users(self) -> Sequence[User]:
        """Return all users, by id."""
        return [_user.decode(row[0]) for row in await self._connection.rows(_USERS, {})]

    async def find_users(self, text: str, most: int) -> Sequence[User]:
        """Return the first `most` active people, by id, with a text in their id, name or organisation."""
        rows = await self._connection.rows(FIND_PEOPLE, {"pattern": pattern_of(text), "most": most})
        return [_user.decode(row[0]) for row in rows]

    async def users_at(self, organisation: OdsCode) -> Sequence[User]:
        """Return all users with a role at this organisation, by id."""
        rows = await self._connection.rows(_USERS_AT, {"key": organisation})
        return [_user.decode(row[0]) for row in rows]

    async def service(self, service: ServiceId) -> Stored[Service] | None:
        """Return the service with this id, published or not."""
        row = await self._connection.row(_SERVICE, {"key": int(service)})
        return None if row is None else _stored_service(service, row)

    async def services(self, ids: Iterable[ServiceId]) -> Sequence[Stored[Service]]:
        """Return the services that exist, in the requested order."""
        asked = list(ids)
        rows = await self._connection.rows(_SERVICES, {"ids": ",".join(asked)}) if asked else []
        found = {number: (version, body) for number, version, body in rows}
        return [_stored_service(each, found[int(each)]) for each in asked if int(each) in found]

    async def published(self, after: int, most: int) -> Sequence[Service]:
        """Return the first `most` published services with a number above `after`, by number."""
        values = {"status": ServiceStatus.PUBLISHED, "after": after, "most": most}
        return [_service.decode(row[0]) for row in await self._connection.rows(_PUBLISHED, values)]

    async def changed(self, after: int, most: int) -> Sequence[tuple[int, Service]]:
        """Return the first `most` services that changed after a version of the directory, with that of each change."""
        rows = await self._connection.rows(_CHANGED, {"after": after, "most": most})
        return [(int(version), _service.decode(body)) for version, body in rows]

    async def application(self, client_id: str) -> Application | None:
        """Return the registered application with this client id."""
        return await self._one(_APPLICATION, client_id, _application)

    async def applications(self) -> Sequence[Application]:
        """Return all registered applications, by client id."""
        return [_application.decode(row[0]) for row in await self._connection.rows(_APPLICATIONS, {})]

    async def put_organisation(self, organisation: Organisation) -> None:
        """Add or replace an organisation."""
        await self._registers.organisations.put(organisation)

    async def put_site(self, site: Site) -> None:
        """Add or replace a site."""
        await self._registers.sites.put(site)

    async def put_user(self, user: User) -> None:
        """Add or replace a user with their roles."""
        await self._registers.people.put(user)

    async def put_service(self, service: Service) -> None:
        """Add or replace a service; raise its version and the directory's."""
        await self._registers.services.put(service)

    async def put_application(self, application: Application) -> None:
        """Add or replace an application."""
        await self._registers.applications.put(application)

    async def _one(self, statement: Statement, key: str, of: msgspec.json.Decoder[T]) -> T | None:
        row = await self._connection.row(statement, {"key": key})
        return None if row is None else of.decode(row[0])


def _stored_service(service: ServiceId, row: Row) -> Stored[Service]:
    version, body = row
    return Stored(service, version, body, _service)
