"""Rebuild the request that a published response answers: address, caller and, if published, body.

The publisher lists requests and responses separately. `mapping.toml` pairs those whose file names differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from tests.conformance.worlds import table
from tests.kit.documents.reference import BASE, Example, examples, published
from tests.kit.service.running import RC, RCA, SPC, SPCA

Json = dict[str, Any]

PROVIDERS: Final = frozenset({"A013", "A014", "A022", "A023", "A024", "A025", "A026", "A027", "A028"})
"""Operations for clinicians of the provider; nearly all others are for referrers."""
FUNCTIONS: Final[Mapping[str, str]] = {"A030": "SERVICE_DEFINER", "A040": SPCA, **dict.fromkeys(PROVIDERS, SPC)}
OF_PROVIDERS: Final = ("REFERRALS_FOR_REVIEW", "APPOINTMENT_SLOT_ISSUES")
PAS_FAULTS: Final[Mapping[str, str]] = {"502": "pas-refused", "504": "pas-silent"}
"""The PAS fault that leads to each status."""


@dataclass(frozen=True)
class Play:
    """A request whose response is published."""

    expected: Example
    method: str
    path: str
    function: str
    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def plays() -> list[Play]:
    """Return each published JSON response of an operation with its request; a response to HEAD has no body."""
    replies = [each for each in examples() if each.direction == "response" and each.number]
    return [_play(each) for each in replies if each.method != "HEAD"]


def _play(expected: Example) -> Play:
    number, reply = expected.number, expected.read()
    body = _body(expected)
    make = _ADDRESSES.get(number, _act)
    function = FUNCTIONS.get(number, RC)
    if number == "A008" and body and body["parameter"][0]["valueCodeableConcept"]["coding"][0]["code"] in OF_PROVIDERS:
        function = SPC
    if body is not None and any(each.get("name") == "referringClinician" for each in body.get("parameter", ())):
        function = RCA
    function = _fitting(expected, "functions") or function
    path = expected.address if expected.status == "404" else make(expected, reply)
    return Play(expected, expected.method or "GET", _given(path), function, body, _headers(expected, reply))


def _given(path: str) -> str:
    """Fill the gaps that the response did not fill with numbers that do not exist."""
    return re.sub(r"\{ubrn\}", "000000070000", re.sub(r"\{id\}", "999999", path))


def _body(expected: Example) -> Json | None:
    """Return the published request body for this response."""
    requests = {each.name: each for each in published(expected.number, "request")}
    named = {reply: request for request, reply in table()["replies"].get(expected.number, {}).items()}
    name = named.get(expected.name, expected.name)
    if expected.status in PAS_FAULTS:
        name = table()["pas"][expected.number]
    found = requests.get(name)
    return None if found is None else found.read()


def _headers(expected: Example, reply: Json) -> Mapping[str, str]:
    headers = {"NHSD-eRS-Comm-Rule-Org": "R69"} if expected.number == "A015" else {}
    scene = _fitting(expected, "scenes")
    return {**headers, **_if_match(expected, reply), **({"X-OpenERS-Scene": scene} if scene else {})}


def _fitting(expected: Example, section: str) -> str:
    """Return the entry for an example in a section of the mapping, by the example's path."""
    return next((told for pattern, told in table()[section].items() if fnmatchcase(expected.path, pattern)), "")


def _if_match(expected: Example, reply: Json) -> Mapping[str, str]:
    if expected.number not in table()["versioned"]:
        return {}
    kind = "Appointment" if expected.number == "A034" else "ReferralRequest"
    kind = "CommunicationRequest" if expected.number == "A026" else kind
    if expected.status != "200":
        return {"If-Match": f'W/"{table()["versions"].get(expected.number, 1)}"'}
    version = int(_resource(reply, kind)["meta"]["versionId"]) - 1
    return {"If-Match": f'W/"{version}"'}


def _resource(reply: Json, kind: str) -> Json:
    if reply["resourceType"] == kind:
        return reply
    return next(each["resource"] for each in reply["parameter"] if each["resource"]["resourceType"] == kind)


def _act(expected: Example, reply: Json) -> str:
    for kind in ("ReferralRequest", "CommunicationRequest"):
        try:
            return expected.address.replace("{ubrn}", _resource(reply, kind)["id"])
        except (KeyError, StopIteration):
            continue
    return expected.address


def _read(expected: Example, reply: Json) -> str:
    path = expected.address
    for gap in ("{ubrn}", "{id}"):
        path = path.replace(gap, str(reply.get("id", gap)))
    return path.replace("{version}", str(reply.get("meta", {}).get("versionId", "")))


def _linked(expected: Example, reply: Json) -> str:
    """Return the address in the response's own link."""
    links: list[Json] = reply.get("link", [])
    return str(links[0]["url"]).removeprefix(BASE) if links else expected.address


def _code_system(expected: Example, reply: Json) -> str:
    return expected.address.replace("{codeSystemType}", reply["url"].rpartition("/")[2])


def _slots(expected: Example, reply: Json) -> str:
    if reply["resourceType"] == "Bundle":
        return _linked(expected, reply)
    query = "schedule.actor:HealthcareService=11000&appointmentType=ROUTINE&status=free&_count=5&page=5"
    return f"/STU3/Slot?{query}"


def _appointment(expected: Example, reply: Json) -> str:
    asked = _body(expected)
    return expected.address.replace("{id}", asked["id"] if asked else "70003")


_ADDRESSES: Final[Mapping[str, Callable[[Example, Json], str]]] = {
    "A004": _code_system,
    "A005": _read,
    "A015": _slots,
    "A024": _read,
    "A025": _linked,
    "A029": _linked,
    "A030": _linked,
    "A033": _read,
    "A034": _appointment,
    "A035": _linked,
    "A038": _read,
    "A040": _linked,
    "A041": _linked,
}
