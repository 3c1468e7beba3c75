"""A mock of ODS: the organisations of a pack as the ORD API shows them. Source: ODS ORD API 2-0-0.

`PUT /_mock/organisations/{code}` changes what ODS knows: `OrganisationChange` has the fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openers.domain.directory import Organisation, OrganisationKind
from openers.domain.identifiers import OdsCode
from openers.worlds.mocks.faults import Faults

BASE: Final = "/ORD/2-0-0"
_ROLES: Final = {
    OrganisationKind.GP_PRACTICE: ("RO177", "RO76"),
    OrganisationKind.PROVIDER: ("RO197",),
    OrganisationKind.COMMISSIONER: ("RO98",),
}


class OrganisationChange(msgspec.Struct, frozen=True):
    """An organisation as it is now at ODS; one that is not in the pack needs all fields of an organisation."""

    name: str | None = None
    kind: OrganisationKind | None = None
    postcode: str | None = None
    closed_on: date | None = None
    commissioner: str | None = None


class MockOds:
    """The organisations."""

    def __init__(self, organisations: Iterable[Organisation]) -> None:
        """Store organisations."""
        self._organisations = tuple(organisations)
        self._records = {str(each.ods): each for each in self._organisations}
        self.faults = Faults()

    def app(self) -> Starlette:
        """Return the mock as a web application."""
        return Starlette(
            routes=[
                Route(f"{BASE}/organisations/{{code}}", self.faults.wrapped(self._read), methods=["GET"]),
                Route("/_mock/organisations/{code}", self._change, methods=["PUT"]),
                Route("/_mock/organisations", self._reset, methods=["DELETE"]),
                *self.faults.routes(),
            ]
        )

    async def _read(self, request: Request) -> Response:
        found = self._records.get(str(request.path_params["code"]))
        if found is None:
            return JSONResponse({"errorCode": 404, "errorText": "Not found"}, 404)
        return JSONResponse({"Organisation": _written(found)})

    async def _change(self, request: Request) -> Response:
        code = str(request.path_params["code"])
        try:
            change = msgspec.json.decode(await request.body(), type=OrganisationChange)
            given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not None}
            old = self._records.get(code)
            before = {"ods": code} if old is None else msgspec.to_builtins(old, enc_hook=str)
            self._records[code] = msgspec.convert(
                {**before, **msgspec.to_builtins(given)}, Organisation, dec_hook=_construct
            )
        except (msgspec.DecodeError, msgspec.ValidationError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return Response(status_code=204)

    async def _reset(self, request: Request) -> Response:
        self._records = {str(each.ods): each for each in self._organisations}
        return Response(status_code=204)


def _construct(wanted: type[Any], value: object) -> object:
    return wanted(value)


def _written(found: Organisation) -> dict[str, Any]:
    """Return an organisation as ORD shows it."""
    end = {} if found.closed_on is None else {"End": found.closed_on.isoformat()}
    status = "Active" if found.closed_on is None else "Inactive"
    roles = [{"id": role, "primaryRole": index == 0, "Status": status} for index, role in enumerate(_ROLES[found.kind])]
    return {
        "Name": found.name.upper(),
        "Date": [{"Type": "Operational", "Start": "1974-04-01", **end}],
        "OrgId": _org_id(found.ods),
        "Status": status,
        "orgRecordClass": "RC1",
        "GeoLoc": {"Location": {"AddrLn1": found.address, "PostCode": str(found.postcode)}},
        "Contacts": {"Contact": [{"type": "tel", "value": found.telephone}] if found.telephone else []},
        "Roles": {"Role": roles},
        "Rels": {"Rel": [] if found.commissioner is None else [_relation(found.commissioner)]},
    }


def _org_id(code: OdsCode) -> dict[str, str]:
    return {"root": "2.16.840.1.113883.2.1.3.2.4.18.48", "extension": str(code)}


def _relation(commissioner: OdsCode) -> dict[str, Any]:
    target = {"OrgId": _org_id(commissioner), "PrimaryRoleId": {"id": "RO98"}}
    return {"id": "RE4", "Status": "Active", "Target": target}
