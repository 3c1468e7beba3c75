"""Any JSON is read, or refused with its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.wire_appointments import booking_body, cancellation_body
from tests.unit.wire_values import (
    BY,
    changed,
    create_body,
    search_body,
)

from openers.domain.principal import Principal
from openers.wire.json import (
    JsonValue,
    Unreadable,
    parse,
)
from openers.wire.outcome import diagnostics_of
from openers.wire.stu3.booking.appointment_request import read_appointment
from openers.wire.stu3.create_referral import read_create_referral, read_create_referral_for_triage
from openers.wire.stu3.search import read_search_services

READERS: list[Callable[[JsonValue, Principal], object]] = [
    read_search_services,
    read_create_referral,
    read_create_referral_for_triage,
    lambda node, _by: read_appointment(node),
]

WORDS = st.sampled_from(
    [
        *("resourceType", "Parameters", "List", "meta", "profile", "parameter", "name", "resource", "contained"),
        *("extension", "url", "valueReference", "reference", "#c1", "entry", "item", "identifier", "system", "value"),
        *("patient", "shortlist", "valueIdentifier", "valueCoding", "code", "priority", "valueBoolean", "status"),
        *("current", "mode", "snapshot", "valueUnsignedInt", "valueInstant", "eReferralPathwayStart", "id"),
        *("Appointment", "participant", "actor", "type", "coding", "reason", "slot", "incomingReferral", "start"),
    ]
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | WORDS
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(), inner, max_size=5),
    max_leaves=25,
)


def places(value: Any, way: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return every place within a body."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] (any JSON)
    elif isinstance(value, list):
        inner = list(enumerate(value))  # pyright: ignore[reportUnknownArgumentType] (any JSON)
    return [found for key, each in inner for found in ((*way, key), *places(each, (*way, key)))]


def refusal(read: Callable[[JsonValue, Principal], object], body: bytes) -> Unreadable | None:
    """Return the refusal of `body` by `read`, or None."""
    try:
        read(parse(body), BY)
    except Unreadable as refused:
        return refused
    return None


@given(JSON)
def test_any_json_is_read_or_refused(node: Any) -> None:
    for read in READERS:
        with pytest.raises(Unreadable):
            read(node, BY)


@given(st.data(), st.sampled_from([search_body(), create_body(), booking_body(), cancellation_body()]), JSON)
@settings(max_examples=300)
def test_any_change_to_a_good_body_is_read_or_refused_at_a_place(data: st.DataObject, good: Any, planted: Any) -> None:
    where = data.draw(st.sampled_from(places(good)))
    body = changed(good, "/".join(map(str, where)), planted)
    for read in READERS:
        refused = refusal(read, msgspec.json.encode(body))
        assert refused is None or diagnostics_of(refused)
