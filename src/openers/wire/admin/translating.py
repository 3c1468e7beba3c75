"""Translate the records of the administration from and to the domain. Field names are the same on both sides."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec

from openers.domain.administration.rights import Resource
from openers.domain.identifiers import Identifier, ServiceId
from openers.domain.services.draft import UNNUMBERED, ServiceDraft
from openers.wire.admin import records
from openers.wire.admin.drafts import DraftRecord
from openers.wire.admin.texts import ClientId

T = TypeVar("T")

RECORDS: Final[dict[Resource, type[records.Record]]] = {
    Resource.ORGANISATIONS: records.Organisation,
    Resource.SITES: records.Site,
    Resource.PEOPLE: records.Person,
    Resource.APPLICATIONS: records.Application,
    Resource.CODE_SETS: records.CodeSet,
    Resource.SERVICES: records.Service,
    Resource.COMMISSIONING_RULES: records.CommissioningRule,
    Resource.PAS_LINKS: records.PasLink,
    Resource.ENDPOINTS: records.Endpoint,
    Resource.PATIENTS: records.Patient,
    Resource.WEBHOOKS: records.Webhook,
}
"""The shape of each resource's records."""

_DECODERS: Final = {each: msgspec.json.Decoder(of) for each, of in RECORDS.items()}
_DRAFT: Final = msgspec.json.Decoder(DraftRecord)
_PLACED: Final = re.compile(r"(.*) - at `(?:key in )?\$([^`]{0,200})`", re.ASCII)
"""The text of msgspec's errors: the cause and the place."""
_STEP: Final = re.compile(r"\.?([A-Za-z0-9_]+)|\[([0-9]+|\.\.\.)\]", re.ASCII)


class UnreadableRecord(ValueError):
    """A body is not a record of its resource. `place` is a JSON pointer."""

    def __init__(self, cause: str, place: str) -> None:
        """Store cause and place."""
        super().__init__(cause)
        self.cause, self.place = cause, place


def read_record(resource: Resource, body: bytes, of: type[Any]) -> Any:
    """Return the record in a body as a domain value of type `of`. Raises UnreadableRecord."""
    with _refused():
        return to_domain(_DECODERS[resource].decode(body), of)


def read_draft(body: bytes, service: ServiceId) -> ServiceDraft:
    """Return the draft in a body as that of a service; empty before its first save. Raises UnreadableRecord."""
    with _refused():
        draft = to_domain(_DRAFT.decode(body), ServiceDraft)
        if draft.id not in ("", service):
            raise UnreadableRecord("the draft has another number than the address", "/id")
        if draft.restriction is not None:
            own = msgspec.structs.replace(draft.restriction, workgroups=frozenset())
            draft = msgspec.structs.replace(draft, restriction=own)
        return msgspec.structs.replace(draft, id=service)


def read_registration(body: bytes, of: type[T]) -> T:
    """Return the request in a body. Raises UnreadableRecord."""
    with _refused():
        return msgspec.json.decode(body, type=of)


@contextmanager
def _refused() -> Generator[None]:
    """Raise UnreadableRecord for a body that cannot be decoded."""
    try:
        yield
    except msgspec.ValidationError as error:
        raise unreadable(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableRecord(f"the body is not JSON: {error}", "") from error
    except RecursionError as error:
        raise UnreadableRecord("the body is nested too deeply", "") from error


def to_domain(record: records.Record, of: type[Any]) -> Any:
    """Return the domain value of a record. Raises msgspec.ValidationError."""
    value = msgspec.to_builtins(record)
    if isinstance(record, records.Application) and not record.keys.keys:
        value["keys"] = {}  # as applications without a key are stored
    return msgspec.convert(value, of, dec_hook=_identifier)


def shown(resource: Resource, value: dict[str, Any]) -> dict[str, Any]:
    """Return a stored value, as plain JSON, as it is shown."""
    if resource is Resource.WEBHOOKS:
        return {name: value[name] for name in records.Webhook.__struct_fields__}
    return value


def client_id_of(text: str) -> str:
    """Return a client id. Raises ValueError."""
    try:
        return msgspec.convert(text, ClientId)
    except msgspec.ValidationError as error:
        raise ValueError(f"the client id {text} must have 1 to 100 letters, digits and signs of . _ ~ -") from error


def unreadable(error: msgspec.ValidationError) -> UnreadableRecord:
    """Return the refusal of a body that has another shape."""
    found = _PLACED.fullmatch(str(error))
    cause, path = (str(error), "") if found is None else (found[1], found[2])
    steps = [name or index.replace("...", "-") for name, index in _STEP.findall(path)]
    return UnreadableRecord(cause, "".join(f"/{step}" for step in steps))


def _identifier(kind: type[Any], value: Any) -> Any:
    if kind is ServiceId and value == "":
        return UNNUMBERED
    if issubclass(kind, Identifier):
        return kind(value)
    raise NotImplementedError
