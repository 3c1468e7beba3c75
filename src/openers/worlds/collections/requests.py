"""A request of a collection: an example in which variables stand for the records that a reader will have.

These values differ from world to world: UBRNs, versions, appointments, slots and files. Each has a known place: a path
parameter, `If-Match`, a reference, or the times of an appointment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from openers.api.examples import Example, path_values
from openers.api.operation import Operation

UBRN: Final = "https://fhir.nhs.uk/Id/UBRN"
ADVICE: Final = "CommunicationRequest"
REFERENCE: Final = re.compile(
    r"(?P<kind>ReferralRequest|CommunicationRequest|Slot|Binary)/(?P<id>[\w-]+)(?P<history>/_history/\d+)?"
)
"""A reference to a record that the walk creates or finds."""
NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "ReferralRequest": ("ubrn", "version"),
    ADVICE: ("advice_ubrn", "advice_version"),
    "Appointment": ("appointment", "appointment_version"),
    "Slot": ("slot", ""),
    "Binary": ("file", ""),
}
"""The variables of the id and the version of each kind of record."""
TIMES: Final[Mapping[str, str]] = {"start": "slot_start", "end": "slot_end"}


class Request(NamedTuple):
    """A request with variables, written `{{name}}`. `token` is the variable with the caller's access token.

    `name` is the example's. `body` is JSON, `text` another body. `status` is that of the reply.
    """

    name: str
    title: str
    method: str
    path: str
    headers: Mapping[str, str]
    status: int
    token: str | None = None
    body: Any = None
    text: str | None = None


class Chapter(NamedTuple):
    """Requests that belong together, in their order."""

    title: str
    requests: tuple[Request, ...]


def token_of(user: str) -> str:
    """Return the variable with the access token of a user."""
    return f"token_{user}"


def request_of(name: str, operation: Operation, example: Example) -> Request:
    """Return the request of an example."""
    return Request(
        name=name,
        title=f"{operation.id} {example.title}",
        method=example.method,
        path=f"/referrals/FHIR{_path(operation, example)}",
        headers=_headers(operation, example),
        status=example.reply.status,
        token=token_of(example.user),
        body=_with_variables(example.body),
        text=example.text,
    )


def _path(operation: Operation, example: Example) -> str:
    """Return the path below the FHIR base with variables for ids of records, and the query with references."""
    values, path = path_values(operation, example), operation.path
    id_name, version_name = NAMES.get(_kind(operation), ("", ""))
    for name, value in values.items():
        variable = version_name if name == "version" else id_name
        path = path.replace(f"{{{name}}}", f"{{{{{variable}}}}}" if variable else value)
    _, mark, query = example.path.partition("?")
    shown = _query(operation, query)
    return f"{path}{mark}{shown}"


def _query(operation: Operation, query: str) -> str:
    if "identifier" in {each.name for each in operation.query}:
        return re.sub(r"(?<=identifier=)\d+", "{{ubrn}}", query)
    return REFERENCE.sub(_variables, query)


def _headers(operation: Operation, example: Example) -> dict[str, str]:
    _, version = NAMES.get(_kind(operation), ("", "version"))
    known = {"If-Match": f'W/"{{{{{version}}}}}"', "NHSD-eRS-Referral-ID": "{{ubrn}}"}
    return {name: known.get(name, value) for name, value in example.headers.items()}


def _kind(operation: Operation) -> str:
    """Return the kind of record in an operation's path."""
    return operation.path.split("/")[2]


def _with_variables(body: Any) -> Any:
    """Return a request body with variables for the records to which it refers, and for the times of a slot."""
    if isinstance(body, str):
        return REFERENCE.sub(_variables, body)
    if isinstance(body, list):
        return [_with_variables(each) for each in cast("list[Any]", body)]
    if not isinstance(body, dict):
        return body
    held = cast("dict[str, Any]", body)
    if held.get("system") == UBRN:
        return {**held, "value": "{{ubrn}}"}
    shown = {name: _with_variables(value) for name, value in held.items()}
    if held.get("resourceType") == "Appointment":
        shown |= {name: f"{{{{{variable}}}}}" for name, variable in TIMES.items() if name in held}
        if "versionId" in held.get("meta", {}):
            shown |= {"id": "{{appointment}}", "meta": {**shown["meta"], "versionId": "{{appointment_version}}"}}
    return shown


def _variables(found: re.Match[str]) -> str:
    id_name, version_name = NAMES[found["kind"]]
    history = f"/_history/{{{{{version_name}}}}}" if found["history"] else ""
    return f"{found['kind']}/{{{{{id_name}}}}}{history}"
