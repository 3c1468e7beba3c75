"""Files in requests: each is read, or refused with its code and place. Source: rules chapters 2.7, 4 and 12."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kit.files.samples import document, letter

from openers.domain.attachments import AttachmentType
from openers.domain.identifiers import FileId
from openers.usecases.files.attach_files import NamedFile
from openers.wire.json import BadStructure, BadValue, MissingField, UnexpectedField, Unreadable
from openers.wire.stu3.maintain_letter import read_letter

ONE, TWO = "0e2c9a52-6d0f-4a0e-9f0e-0a1b2c3d4e5f", "att-70000-1"
AT = "parameter[0]/resource"


def test_a_parameter_that_repeats_keeps_its_order() -> None:
    read = read_letter(letter(document(TWO, "second", id="x", language="en"), ONE, document(ONE, "x" * 200)))
    assert read == (
        NamedFile(FileId(TWO), AttachmentType.REFERRER, "second"),
        NamedFile(FileId(ONE), AttachmentType.REFERRER),
        NamedFile(FileId(ONE), AttachmentType.REFERRER, "x" * 200),
    )


def test_a_parameter_that_repeats_must_be_there_once() -> None:
    with pytest.raises(MissingField) as missing:
        read_letter(letter())
    assert missing.value.value == "referralLetterFile"


def test_a_description_may_be_null() -> None:
    assert read_letter(letter(document(ONE) | {"description": None}))[0].description is None


@pytest.mark.parametrize("kind", AttachmentType)
def test_a_file_of_any_side_is_read(kind: AttachmentType) -> None:
    """Files of every type are read; the use case decides which type is permitted."""
    named = document(ONE)
    named["type"]["coding"][0]["code"] = kind.value
    assert read_letter(letter(named))[0].type is kind


def _typed(**coding: str) -> dict[str, Any]:
    return {"type": {"coding": [{"system": "https://fhir.nhs.uk/STU3/CodeSystem/eRS-AttachmentType-1", **coding}]}}


def _at(url: object, **more: object) -> dict[str, Any]:
    return {"content": [{"attachment": {"url": url, **more}}]}


MALFORMED: tuple[tuple[dict[str, Any], type[Unreadable], str], ...] = (
    ({"resourceType": "Document"}, BadValue, f"{AT}/resourceType"),
    ({"meta": {}}, BadStructure, f"{AT}/meta/profile"),
    ({"meta": {"profile": ["x"]}}, BadValue, f"{AT}/meta/profile"),
    ({"status": "superseded"}, BadValue, f"{AT}/status"),
    ({"indexed": "yesterday"}, BadValue, f"{AT}/indexed"),
    ({"description": "x" * 201}, BadValue, f"{AT}/description"),
    ({"description": 1}, BadValue, f"{AT}/description"),
    ({"masterIdentifier": {}}, UnexpectedField, f"{AT}/masterIdentifier"),
    ({"type": {}}, BadStructure, f"{AT}/type/coding"),
    ({"type": {"coding": []}}, BadStructure, f"{AT}/type/coding"),
    (_typed(code="LETTER"), BadValue, f"{AT}/type/coding[0]/code"),
    (_typed(system="x", code="REFERRER"), BadValue, f"{AT}/type/coding[0]/system"),
    ({"content": []}, BadStructure, f"{AT}/content"),
    ({"content": [{}, {}]}, BadStructure, f"{AT}/content"),
    ({"content": {}}, BadStructure, f"{AT}/content"),
    ({"content": [{}]}, BadStructure, f"{AT}/content[0]/attachment"),
    ({"content": [{"attachment": {}}]}, BadStructure, f"{AT}/content[0]/attachment/url"),
    (_at(f"Binary/{ONE}", data="eA=="), UnexpectedField, f"{AT}/content[0]/attachment/data"),
    (_at(ONE), BadValue, f"{AT}/content[0]/attachment/url"),
    (_at(f"Binary/{ONE}/"), BadValue, f"{AT}/content[0]/attachment/url"),
    (_at(f"https://elsewhere.example/Binary/{ONE}"), BadValue, f"{AT}/content[0]/attachment/url"),
    (_at("Binary/../Patient"), BadValue, f"{AT}/content[0]/attachment/url"),
    (_at(f"Binary/{ONE.upper()}"), BadValue, f"{AT}/content[0]/attachment/url"),
    (_at(None), BadStructure, f"{AT}/content[0]/attachment/url"),
)  # fmt: skip


@pytest.mark.parametrize(("changes", "error", "place"), MALFORMED, ids=range(len(MALFORMED)))
def test_a_file_that_cannot_be_read(changes: dict[str, Any], error: type[Unreadable], place: str) -> None:
    with pytest.raises(error) as refused:
        read_letter(letter(document(ONE, **changes)))
    assert refused.value.path == place
