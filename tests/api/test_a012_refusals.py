"""A012 rejects a letter with each of its codes and changes nothing, and handles concurrent changes.

Source: rules chapters 2.7, 3.4, 4 (A012), 6, 11.2 row 20.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.header import Header

import msgspec
import pytest
from tests.kit.calls.expectations import code_of, place_of, told
from tests.kit.files.practice import Practice
from tests.kit.files.samples import (
    INFECTED,
    LETTER,
    LYING,
    Sample,
    availability_of,
    document,
    maintain,
    upload,
)
from tests.kit.referrals.talk import gathered
from tests.kit.service.arrangements import patient_called, put
from tests.kit.service.requests import HEADERS, PATIENT, SD, Json
from tests.kit.service.running import CONSULTANT, RC, Person, entry
from tests.kit.store.records import caller

from openers.domain.booking import BookingClaim, PasBooking
from openers.domain.identifiers import AppointmentId, NhsNumber, ServiceId, SlotId, Ubrn

pytestmark = pytest.mark.anyio

GP_ELSEWHERE = Person("555073103211", "B86011", RC)
UNKNOWN = "0e2c9a52-6d0f-4a0e-9f0e-0a1b2c3d4e5f"
FIRST, LAST = (f"{SD}Extension-eRS-ClinicalInfo{name}-1" for name in ("FirstSubmitted", "LastUpdated"))


@pytest.fixture
def it(practice_on_both: Practice) -> Practice:
    return practice_on_both


# -------------------------------------------------------------------------------------------------- rejections

Arrange = Callable[[Practice, str, str], Awaitable[list[Json | str]]]
"""A function that returns the files to name, from a practice, a UBRN and the file of the referral's letter."""


async def _nothing(_it: Practice, _ubrn: str, _file: str) -> list[Json | str]:
    return []


async def _unknown(_it: Practice, _ubrn: str, file: str) -> list[Json | str]:
    return [file, UNKNOWN]


async def _of_another_organisation(it: Practice, ubrn: str, file: str) -> list[Json | str]:
    return [file, await upload(await it.run.as_person(GP_ELSEWHERE), LETTER, ubrn, "other.pdf")]


async def _of_the_provider(it: Practice, ubrn: str, file: str) -> list[Json | str]:
    return [file, await upload(await it.run.as_person(CONSULTANT), LETTER, ubrn, "other.pdf")]


async def _for_another_referral(it: Practice, _ubrn: str, file: str) -> list[Json | str]:
    return [file, await it.file(await it.refer(), "other.pdf")]


async def _for_no_referral(it: Practice, _ubrn: str, file: str) -> list[Json | str]:
    return [file, await upload(it.gp, LETTER, None, "other.pdf")]


async def _of_another_side(_it: Practice, _ubrn: str, file: str) -> list[Json | str]:
    named = document(file)
    named["type"]["coding"][0]["code"] = "PROVIDER"
    return [named]


async def _of_no_side(_it: Practice, _ubrn: str, file: str) -> list[Json | str]:
    named = document(file)
    named["type"]["coding"][0]["code"] = "LETTER"
    return [named]


async def _twice(_it: Practice, _ubrn: str, file: str) -> list[Json | str]:
    return [file, document(file, "again")]


async def _attached_elsewhere(it: Practice, _ubrn: str, file: str) -> list[Json | str]:
    return [file, (await it.lettered("other.pdf"))[1][0]]


async def _scanned(it: Practice, ubrn: str, file: str, sample: Sample) -> list[Json | str]:
    other = await it.file(ubrn, sample.name, sample)
    await it.scan(other)
    return [file, other]


async def _in_quarantine(it: Practice, ubrn: str, file: str) -> list[Json | str]:
    return await _scanned(it, ubrn, file, INFECTED)


async def _not_what_it_says(it: Practice, ubrn: str, file: str) -> list[Json | str]:
    return await _scanned(it, ubrn, file, LYING)


async def _named_like_one_that_stays(it: Practice, ubrn: str, file: str) -> list[Json | str]:
    return [file, await it.file(ubrn, "letter.pdf")]


async def _named_alike(it: Practice, ubrn: str, _file: str) -> list[Json | str]:
    return [await it.file(ubrn, "other.pdf"), await it.file(ubrn, "other.pdf")]


def _written(one: str, two: str) -> Arrange:
    """Return a case with two files whose names differ in spelling but count as equal."""

    async def _arranged(it: Practice, ubrn: str, _file: str) -> list[Json | str]:
        return [await it.file(ubrn, Header(name, "utf-8").encode()) for name in (one, two)]

    _arranged.__name__ = f"written_as_{one!a}_and_{two!a}"
    return _arranged


async def _described_at_length(_it: Practice, _ubrn: str, file: str) -> list[Json | str]:
    return [document(file, "x" * 201)]


async def _with_its_content(_it: Practice, _ubrn: str, file: str) -> list[Json | str]:
    return [document(file, content=[{"attachment": {"url": f"Binary/{file}", "data": "eA=="}}])]


async def _without_its_status(_it: Practice, _ubrn: str, file: str) -> list[Json | str]:
    return [{name: value for name, value in document(file).items() if name != "status"}]


REFUSED: tuple[tuple[Arrange, str, str], ...] = (
    (_nothing, "MISSING_VALUE", "referralLetterFile"),
    (_unknown, "REFERENCE_NOT_FOUND", "referralLetterFile"),
    (_of_another_organisation, "REFERENCE_NOT_FOUND", "referralLetterFile"),
    (_of_the_provider, "REFERENCE_NOT_FOUND", "referralLetterFile"),
    (_for_another_referral, "REFERENCE_NOT_FOUND", "referralLetterFile"),
    (_for_no_referral, "INAPPROPRIATE_VALUE", "referralLetterFile"),
    (_of_another_side, "INAPPROPRIATE_VALUE", "attachment type"),
    (_of_no_side, "INVALID_VALUE", "parameter[0]/resource/type/coding[0]/code"),
    (_twice, "CONFLICTING_VALUES", "referralLetterFile"),
    (_attached_elsewhere, "INVALID_STATE", "referralLetterFile"),
    (_in_quarantine, "INVALID_STATE", "referralLetterFile"),
    (_not_what_it_says, "INVALID_STATE", "referralLetterFile"),
    (_named_like_one_that_stays, "DUPLICATE_FILENAME", "referralLetterFile"),
    (_named_alike, "DUPLICATE_FILENAME", "referralLetterFile"),
    (_written("other.pdf", "OTHER.PDF"), "DUPLICATE_FILENAME", "referralLetterFile"),
    (_written("Stra\u00dfe.pdf", "STRASSE.pdf"), "DUPLICATE_FILENAME", "referralLetterFile"),
    (_written("Zo\u00e9.pdf", "Zoe\u0301.pdf"), "DUPLICATE_FILENAME", "referralLetterFile"),
    (_written("two words.pdf", "two\u00a0words.pdf"), "DUPLICATE_FILENAME", "referralLetterFile"),
    (_written("two words.pdf", "two  words.pdf"), "DUPLICATE_FILENAME", "referralLetterFile"),
    (_written("\ufb01le.pdf", "file.pdf"), "DUPLICATE_FILENAME", "referralLetterFile"),
    (_described_at_length, "INVALID_VALUE", "parameter[0]/resource/description"),
    (_with_its_content, "UNEXPECTED_FIELD", "parameter[0]/resource/content[0]/attachment/data"),
    (_without_its_status, "INVALID_FHIR_STRUCTURE", "parameter[0]/resource/status"),
)


@pytest.mark.parametrize(("arrange", "code", "place"), REFUSED, ids=lambda each: getattr(each, "__name__", ""))
async def test_a_letter_that_is_refused_stays_as_it_was(it: Practice, arrange: Arrange, code: str, place: str) -> None:
    ubrn, (file,), version = await it.lettered()
    named = await arrange(it, ubrn, file)
    before = await it.rows()
    reply = await it.maintain(ubrn, version, *named)
    assert (reply.status_code, code_of(reply), place_of(reply)) == (422, code, place)
    assert await it.rows() == before


@pytest.mark.parametrize(
    ("ubrn", "status", "code"), [("999999999999", 404, "REFERENCE_NOT_FOUND"), ("70000", 400, "INVALID_VALUE")]
)
async def test_a_referral_that_is_not_there(it: Practice, ubrn: str, status: int, code: str) -> None:
    reply = await it.maintain(ubrn, 3, UNKNOWN)
    assert (reply.status_code, code_of(reply)) == (status, code)


async def test_a_request_for_advice_has_no_letter(it: Practice) -> None:
    advice = await (await gathered(it.run)).ask()
    reply = await it.maintain(advice["id"], 1, UNKNOWN)
    assert (reply.status_code, code_of(reply)) == (422, "INVALID_REQUEST_TYPE")


async def test_a_referral_of_others(it: Practice) -> None:
    """A clinician of another practice cannot change the letter, not even with a file of their own."""
    ubrn, _, version = await it.lettered()
    elsewhere = await it.run.as_person(GP_ELSEWHERE)
    reply = await it.maintain(ubrn, version, await upload(elsewhere, LETTER, ubrn), by=elsewhere)
    assert (reply.status_code, code_of(reply)) == (422, "NO_RELATIONSHIP")


async def test_a_patient_who_has_become_sensitive(it: Practice) -> None:
    ubrn, (file,), version = await it.lettered()
    known = await patient_called(it.run, PATIENT)
    await put(it.run, msgspec.structs.replace(known, sensitive=True))
    try:
        reply = await it.maintain(ubrn, version, document(file, "new"))
    finally:
        await put(it.run, known)
    assert told(reply) == (422, "business-rule", "PATIENT_ERROR", "'patient' record cannot be used.")


# ------------------------------------------------------------------------------------------ versions and locks


async def test_the_version_that_was_read_must_be_named(it: Practice) -> None:
    ubrn, (file,), version = await it.lettered()
    call = maintain(ubrn, version, document(file, "new"))
    missing, malformed = (412, "MISSING_HEADER"), (400, "INVALID_VALUE")
    for tag, expected in ((None, missing), ("", missing), (f'"{version}"', malformed), ("*", malformed)):
        headers = HEADERS if tag is None else {**HEADERS, "If-Match": tag}
        reply = await it.gp.post(call["url"], json=call["json"], headers=headers)
        assert (reply.status_code, code_of(reply)) == expected
    for stale in (version - 1, version + 1, 999_999_999):
        reply = await it.maintain(ubrn, stale, document(file, "new"))
        assert (reply.status_code, code_of(reply)) == (409, "VERSION_CONFLICT")
    assert (await it.maintain(ubrn, version, document(file, "new"))).status_code == 200


async def test_a_referral_that_is_being_booked_is_locked(it: Practice) -> None:
    ubrn, (file,), version = await it.lettered()
    now = datetime.now(UTC)
    claim = BookingClaim(
        ubrn=Ubrn(ubrn),
        key=f"key of {ubrn}",
        by=caller(),
        service=ServiceId("11002"),
        slot=SlotId(str(int(ubrn))),
        appointment=AppointmentId("1"),
        taken=now,
        expires=now + timedelta(minutes=5),
        booking=PasBooking(
            key=f"key of {ubrn}",
            ubrn=Ubrn(ubrn),
            patient=NhsNumber("9990000042"),
            pas_slot="1",
            start=now,
            end=now,
            created=now,
        ),
    )
    async with it.run.service.world.for_call(entry()).begin("claim for a test") as tx:
        assert await tx.claims.add(claim)
    reply = await it.maintain(ubrn, version, document(file, "new"))
    assert (reply.status_code, code_of(reply)) == (423, "REFERRAL_LOCKED")
    assert (await it.read(ubrn))["meta"]["versionId"] == str(version)


async def test_of_two_changes_at_once_one_is_made(it: Practice) -> None:
    ubrn, (file,), version = await it.lettered()
    texts = [f"description {number}" for number in range(8)]
    replies = await asyncio.gather(*(it.maintain(ubrn, version, document(file, each)) for each in texts))
    statuses = sorted(each.status_code for each in replies)
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {409, 423}
    made = next(each.json() for each in replies if each.status_code == 200)
    assert await it.read(ubrn) == made
    assert made["meta"]["versionId"] == str(version + 1)


async def test_a_change_that_meets_the_scan_of_its_file_loses_nothing(it: Practice) -> None:
    """The scan and the change may happen in either order. In both cases the letter shows the result of the scan."""
    for _ in range(5):
        ubrn = await it.refer()
        file = await it.file(ubrn)
        reply, scanned = await asyncio.gather(it.maintain(ubrn, 3, file), it.scan(file), return_exceptions=True)
        assert not isinstance(reply, BaseException)
        if reply.status_code != 200:
            reply = await it.maintain(ubrn, 3, file)
        if isinstance(scanned, BaseException):
            await it.scan(file)
        assert reply.status_code == 200, reply.text
        assert availability_of(await it.read(ubrn)) == ["AVAILABLE"]
