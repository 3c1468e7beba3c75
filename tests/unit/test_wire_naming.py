"""Names of the objects inside schemas."""

from __future__ import annotations

import pytest

from openers.wire.naming import named
from openers.wire.shapes import TEXT, Schema, array, code, const, ref, thing

CODING: Schema = thing({"system": TEXT, "code": TEXT})


def parameter(name: str, value: Schema) -> Schema:
    """A FHIR parameter."""
    return thing({"name": const(name), "valueCoding": value})


def test_an_object_is_named_after_the_way_to_it() -> None:
    found = named({"Slot": thing({"meta": thing({"profile": array(TEXT)})})})
    assert found["Slot"]["properties"] == {"meta": ref("SlotMeta")}
    assert found["SlotMeta"] == thing({"profile": array(TEXT)})


def test_members_of_arrays_and_choices_are_named() -> None:
    found = named({"List": thing({"_entry": array({"anyOf": [thing({"item": code("ab")})]})})})
    assert found["List"]["properties"]["_entry"]["items"] == {"anyOf": [ref("ListEntry")]}
    assert found["ListEntry"]["properties"] == {"item": ref("ListEntryItem")}
    assert found["ListEntryItem"] == code("ab")


def test_an_object_with_the_content_of_a_component_refers_to_it() -> None:
    described = CODING | {"description": "CON for a clinician"}
    found = named({"Coding": CODING, "Role": thing({"type": described, "code": CODING})})
    assert sorted(found) == ["Coding", "Role"]
    assert found["Role"]["properties"]["type"] == {**ref("Coding"), "description": "CON for a clinician"}
    assert found["Role"]["properties"]["code"] == ref("Coding")


def test_equal_parameters_share_a_name_and_others_are_named_after_their_request() -> None:
    other = thing({"system": TEXT})
    requests = {
        "Create": thing({"parameter": array({"anyOf": [parameter("patient", CODING), parameter("kind", CODING)]})}),
        "Cancel": thing({"parameter": array({"anyOf": [parameter("patient", CODING), parameter("kind", other)]})}),
    }
    found = named({"Coding": CODING, **requests})
    assert sorted(found) == [
        *("Cancel", "CancelKindParameter", "CancelKindParameterValueCoding", "Coding", "Create"),
        *("CreateKindParameter", "PatientParameter"),
    ]


def test_two_different_schemas_with_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two different schemas are named SlotMeta"):
        named({"Slot": thing({"meta": CODING}), "SlotMeta": TEXT})
