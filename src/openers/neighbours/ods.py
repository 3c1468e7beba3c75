"""Ask the Organisation Data Service (ODS) for organisations, by its ORD API. Implements `OrganisationSource`.

Source: ODS ORD API 2-0-0.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import msgspec

from openers.domain.clock import Clock
from openers.domain.directory import OrganisationKind
from openers.domain.identifiers import OdsCode, Postcode
from openers.neighbours.calls import Neighbour
from openers.usecases.ports.neighbours import OdsOrganisation

NAME: Final = "Organisation Data Service"
PER_SECOND: Final = 5.0
TIMEOUT_S: Final = 3.0
GP_PRACTICE: Final = "RO76"
KINDS: Final = {
    "RO197": OrganisationKind.PROVIDER,
    "RO172": OrganisationKind.PROVIDER,
    "RO98": OrganisationKind.COMMISSIONER,
    "RO318": OrganisationKind.COMMISSIONER,
}
"""Kinds by active role: NHS trusts, independent providers, and two kinds of commissioner."""
COMMISSIONED_BY: Final = "RE4"
ACTIVE: Final = "Active"
LONGEST_TEXT: Final = 255


class _OrgId(msgspec.Struct, frozen=True):
    extension: str


class _Date(msgspec.Struct, frozen=True, rename="pascal"):
    type: str = ""
    end: str = ""


class _Location(msgspec.Struct, frozen=True):
    AddrLn1: str = ""
    AddrLn2: str = ""
    AddrLn3: str = ""
    Town: str = ""
    County: str = ""
    PostCode: str = ""


class _GeoLoc(msgspec.Struct, frozen=True, rename="pascal"):
    location: _Location = _Location()


class _Contact(msgspec.Struct, frozen=True):
    type: str = ""
    value: str = ""


class _Contacts(msgspec.Struct, frozen=True, rename="pascal"):
    contact: list[_Contact] = []


class _Role(msgspec.Struct, frozen=True):
    id: str = ""
    Status: str = ""


class _Roles(msgspec.Struct, frozen=True, rename="pascal"):
    role: list[_Role] = []


class _Target(msgspec.Struct, frozen=True):
    OrgId: _OrgId


class _Rel(msgspec.Struct, frozen=True):
    Target: _Target
    id: str = ""
    Status: str = ""


class _Rels(msgspec.Struct, frozen=True, rename="pascal"):
    rel: list[_Rel] = []


class _Organisation(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    org_id: _OrgId
    status: str
    date: list[_Date] = []
    geo_loc: _GeoLoc = _GeoLoc()
    contacts: _Contacts = _Contacts()
    roles: _Roles = _Roles()
    rels: _Rels = _Rels()


class _Reply(msgspec.Struct, frozen=True, rename="pascal"):
    organisation: _Organisation


_reply: Final = msgspec.json.Decoder(_Reply)


class Unreadable(Exception):
    """The reply is not an organisation that this service can use."""


class Ods:
    """ODS at one address. For one event loop."""

    def __init__(self, neighbour: Neighbour, url: str, wall: Clock) -> None:
        """Store the base address `url`; `wall` is the real clock."""
        self._neighbour, self._url, self._wall = neighbour, url.rstrip("/"), wall

    async def read(self, ods: OdsCode) -> OdsOrganisation | None:
        """Return an organisation; `None` if ODS has none with this code. Raises NeighbourSilent."""
        reply = await self._neighbour.ask(f"{self._url}/organisations/{ods}", {"Accept": "application/json"})
        if reply.status == 404:
            self._neighbour.usable()
            return None
        if reply.status != 200:
            self._neighbour.unusable(f"it returned {reply.status}")
        try:
            found = read_organisation(reply.body, self._wall.now().date())
        except Unreadable as error:
            self._neighbour.unusable(f"its reply cannot be used: {error}")
        if found.ods != ods:
            self._neighbour.unusable("its reply is about another organisation")
        self._neighbour.usable()
        return found

    async def close(self) -> None:
        """End all connections."""
        await self._neighbour.close()


def read_organisation(body: bytes, today: date) -> OdsOrganisation:
    """Return the organisation of a reply. Raises Unreadable."""
    try:
        record = _reply.decode(body).organisation
        code = OdsCode(record.org_id.extension)
        closing, commissioner = _closing(record), _commissioner(record)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Unreadable("it is not an organisation") from error
    is_day_known = closing is not None or record.status == ACTIVE
    place = record.geo_loc.location
    lines = (place.AddrLn1, place.AddrLn2, place.AddrLn3, place.Town, place.County)
    return OdsOrganisation(
        ods=code,
        name=_text(record.name),
        kind=_kind(record),
        postcode=_postcode(place.PostCode),
        address=_text(", ".join(each.strip() for each in lines if each.strip())),
        telephone=next((_text(each.value) for each in record.contacts.contact if each.type == "tel"), ""),
        closed_on=closing if is_day_known else today,
        is_day_known=is_day_known,
        commissioner=commissioner,
    )


def _kind(record: _Organisation) -> OrganisationKind | None:
    """Return the kind by the roles, which a closed organisation has lost."""
    wanted = record.status
    roles = [each.id for each in record.roles.role if each.Status == wanted]
    if GP_PRACTICE in roles:
        return OrganisationKind.GP_PRACTICE
    return next((KINDS[each] for each in roles if each in KINDS), None)


def _closing(record: _Organisation) -> date | None:
    """Return the day on which it closes, if the record has one. Raises ValueError."""
    ends = sorted(each.end for each in record.date if each.end and each.type in ("Operational", "Legal"))
    return date.fromisoformat(ends[0]) if ends else None


def _commissioner(record: _Organisation) -> OdsCode | None:
    """Return the code of the present commissioner. Raises ValueError."""
    present = (each for each in record.rels.rel if each.id == COMMISSIONED_BY and each.Status == ACTIVE)
    return next((OdsCode(each.Target.OrgId.extension) for each in present), None)


def _postcode(text: str) -> Postcode | None:
    try:
        return Postcode(text)
    except ValueError:
        return None


def _text(text: str) -> str:
    """Return a text without control characters, cut to `LONGEST_TEXT`."""
    return "".join(each for each in text if each.isprintable())[:LONGEST_TEXT]
