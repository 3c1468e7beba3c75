"""Describe the calls by which services are defined, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from openers.api.admin.openapi_parts import (
    DRY_RUN,
    ONCE,
    REF,
    TEXT,
    if_match,
    operation,
    parameter,
    reply,
    schema_of,
    with_body,
    with_refusal,
)
from openers.api.admin.service_reports import CHANGES
from openers.domain.administration.rights import Method, Resource
from openers.domain.services.effects import Effect
from openers.domain.slots import Became
from openers.usecases.administration.records import MOST_ON_A_PAGE
from openers.wire.admin.examples import COPY, DRAFT, LAST_DAY
from openers.wire.admin.visibility import PARAMETERS

_OF: Final = Resource.SERVICES
_FLAG: Final = {"type": "boolean"}
_NUMBER: Final = {"type": "integer"}
_DRAFT: Final = {"$ref": REF.format(name="DraftRecord")}
_KEY: Final = parameter("key", "path", "The number of the service", required=True)
_PAGE_PARAMETERS: Final = [
    parameter("limit", "query", "Services or drafts of the page", {**_NUMBER, "minimum": 1, "maximum": MOST_ON_A_PAGE}),
    parameter("cursor", "query", "`next` of the previous page"),
    parameter("organisation", "query", "ODS code: only those of this organisation"),
]


def service_paths(base: str) -> dict[str, Any]:
    """Return the paths below `base` that only services have, and the call that creates one."""
    single = f"{base}/{{key}}"
    below: dict[str, dict[str, Any]] = {
        "/draft": {"get": _read_draft(), "put": _put_draft(), "delete": _change("discard", "The draft", _DRAFT)},
        "/checks": {"get": _get("check", "What the checks of publishing find", FINDINGS)},
        "/publish": {"post": _publish()},
        "/unpublish": {"post": _change("unpublish", "The hidden service", schema_of(_OF))},
        "/end-date": {"post": _with(_change("end-date", "The service", schema_of(_OF)), "LastDay", LAST_DAY)},
        "/copy": {"post": _with(_change("copy", "The new draft", _DRAFT), "Copy", COPY)},
        "/versions": {"get": _get("versions-of", "The live versions", _object(versions=_list(_NUMBER)))},
        "/versions/{version}": {"get": _version()},
        "/difference": {"get": _difference()},
        "/poll": {"post": _poll()},
        "/visibility": {"get": _visibility()},
        "/effects": {"get": _effects()},
        "/last-poll": {
            "get": _get("read-last-poll-of", "The rows that the PAS sent, and the outcome of each", LAST_POLL)
        },
    }
    paths = {f"{single}{path}": {**item, "parameters": [_KEY]} for path, item in below.items()}
    lists = {"/drafts": _drafts(), "/old-codes": _old_codes(), "/clinic-types": _clinic_types()}
    return {**{f"{base}{path}": {"get": each} for path, each in lists.items()}, **paths}


def creation() -> dict[str, Any]:
    """Return the call that saves a new draft."""
    return with_body(_change("create", "The new draft", _DRAFT), _DRAFT, DRAFT)


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


FINDING: Final = _object(check=TEXT, kind={"enum": ["error", "warning"]}, detail=TEXT, place=TEXT, cure=TEXT)
FINDINGS: Final = _object(publishable=_FLAG, findings=_list(FINDING))
_ROW: Final = _object(became={"enum": list(Became)}, told=TEXT, sent={"type": "object"})
LAST_POLL: Final = _object(
    at=TEXT,
    start=TEXT,
    end=TEXT,
    since={"type": ["string", "null"], "description": "Since when changes were asked for; null for all slots"},
    **dict.fromkeys(("sent", "changed", "vanished"), _NUMBER),
    problem={**TEXT, "description": "Why the poll failed; empty if it did not"},
    rows=_list(_ROW),
)
_HIDDEN: Final = {"type": ["string", "null"], "description": "The first condition that fails"}


def _get(verb: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return operation(_OF, Method.READ, verb, {"200": reply(description, schema)})


def _change(verb: str, description: str, schema: dict[str, Any], *more: dict[str, Any]) -> dict[str, Any]:
    replies = {status: reply(description, schema, etag=True) for status in ("200", "201")}
    return operation(_OF, Method.PUT, f"{verb}", replies, [*more, ONCE, DRY_RUN])


def _with(described: dict[str, Any], name: str, example: dict[str, Any]) -> dict[str, Any]:
    return with_body(described, {"$ref": REF.format(name=name)}, example)


def _read_draft() -> dict[str, Any]:
    described = "The draft; without an ETag if it follows from the live service"
    return operation(_OF, Method.READ, "read-draft-of", {"200": reply(described, _DRAFT, etag=True)})


def _put_draft() -> dict[str, Any]:
    match = if_match("The ETag of the draft to replace; `*` for any")
    return with_body(_change("put-draft-of", "The draft", _DRAFT, match), _DRAFT, DRAFT)


def _publish() -> dict[str, Any]:
    match = if_match("The ETag of the draft to publish")
    return _change("publish", "The live service", schema_of(_OF), match)


def _version() -> dict[str, Any]:
    described = _get("read-version-of", "The service in this version", schema_of(_OF))
    return {**described, "parameters": [*described["parameters"], _version_parameter()]}


def _version_parameter() -> dict[str, Any]:
    return parameter("version", "path", "The version", required=True)


def _difference() -> dict[str, Any]:
    differing = _object(place=TEXT, **{"from": {}, "to": {}})
    described = _get("compare-versions-of", "What differs", _object(difference=_list(differing)))
    words = "A version, or draft; by default {usual}"
    between = [
        parameter("from", "query", words.format(usual="the live version")),
        parameter("to", "query", words.format(usual="the draft")),
    ]
    return {**described, "parameters": [*described["parameters"], *between]}


def _poll() -> dict[str, Any]:
    described = operation(_OF, Method.PUT, "poll", {"200": reply("How many slots changed", _object(changed=_NUMBER))})
    return with_refusal(described, "502")


def _visibility() -> dict[str, Any]:
    slot = _object(id=TEXT, start=TEXT, shown=_FLAG, hidden_by=_HIDDEN, told=TEXT)
    told = _object(service=TEXT, name=TEXT, shown=_FLAG, hidden_by=_HIDDEN, told=TEXT, slots=_list(slot))
    described = with_refusal(
        _get("explain-visibility-of", "Why the service and its slots are shown or not", told), "422"
    )
    asked = [parameter(name, "query", words, required=name == "organisation") for name, words in PARAMETERS.items()]
    return {**described, "parameters": [*described["parameters"], *asked]}


def _effects() -> dict[str, Any]:
    effect = _object(effect={"enum": list(Effect)}, what=_list(TEXT), told=TEXT)
    told = _object(effects=_list(effect), waiting=_NUMBER, booked=_NUMBER)
    described = _get("tell-effects-of", "What a change does to referrals under way", told)
    change = parameter("change", "query", "publish (the draft; by default) or unpublish", {"enum": list(CHANGES)})
    return {**described, "parameters": [*described["parameters"], change]}


def _old_codes() -> dict[str, Any]:
    pair = _object(pair=_list(TEXT), mapped=_FLAG, new=_list(_list(TEXT)))
    texts = dict.fromkeys(("service", "name", "organisation", "status"), TEXT)
    item = _object(**texts, pairs=_list(pair), waiting=_NUMBER)
    page = _object(items=_list(item), next={"type": ["string", "null"]})
    described = _get("list-old-codes-of", "The services with such pairs among a page of services", page)
    day = parameter("on", "query", "The day; by default today", {**TEXT, "format": "date"})
    return {**described, "parameters": [*described["parameters"], *_PAGE_PARAMETERS, day]}


def _drafts() -> dict[str, Any]:
    item = _object(key=TEXT, version=_NUMBER, value=_DRAFT)
    page = _object(items=_list(item), next={"type": ["string", "null"]})
    described = _get("list-drafts-of", "A page of the list", page)
    return {**described, "parameters": [*described["parameters"], *_PAGE_PARAMETERS]}


def _clinic_types() -> dict[str, Any]:
    pair = _object(specialty=TEXT, specialty_name=TEXT, clinic_type=TEXT, clinic_type_name=TEXT)
    return _get("list-clinic-types-of", "The pairs that a service can have today", _object(clinic_types=_list(pair)))
