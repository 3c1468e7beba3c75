"""A012: the named files replace the whole letter of a referral. Source: rules 3.4, 4 (A012), 6, 11.2 row 20.

`tests/booking/test_letters.py` covers letters of booked referrals, `test_a012_refusals.py` the rejections.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.kit.calls.expectations import code_of, told
from tests.kit.files.practice import Practice
from tests.kit.files.samples import (
    INFECTED,
    LETTER,
    LYING,
    attachments_of,
    availability_of,
    document,
    documents_of,
    upload,
)
from tests.kit.run.moments import now
from tests.kit.service.requests import ODS, SD, SDS_USER, Json
from tests.kit.service.running import CONSULTANT, GP, GP_ADMIN, PRACTICE, RC, Person, entry

from openers.usecases.files.purge_files import purge_file
from openers.usecases.files.upload_file import PURGE
from openers.usecases.ports.transaction import DueItem

pytestmark = pytest.mark.anyio

GP_ELSEWHERE = Person("555073103211", "B86011", RC)
UNKNOWN = "0e2c9a52-6d0f-4a0e-9f0e-0a1b2c3d4e5f"
FIRST, LAST = (f"{SD}Extension-eRS-ClinicalInfo{name}-1" for name in ("FirstSubmitted", "LastUpdated"))


@pytest.fixture
def it(practice_on_both: Practice) -> Practice:
    return practice_on_both


def names(referral: Json) -> list[str]:
    """Return the file names in order."""
    return [each["title"] for each in attachments_of(referral)]


def moment(referral: Json, url: str) -> str | None:
    """Return the time at which the letter was first submitted or last changed."""
    return next((each["valueDateTime"] for each in referral["extension"] if each["url"] == url), None)


# ----------------------------------------------------------------------------------------------------- letters


async def test_a_first_letter_is_shown_with_all_that_is_known_of_it(it: Practice) -> None:
    ubrn = await it.refer()
    file = await it.file(ubrn)
    before = now()
    reply = await it.maintain(ubrn, 3, document(file, "What the blood test showed"))
    assert (reply.status_code, reply.headers["etag"]) == (200, 'W/"4"')
    body = reply.json()
    assert (body["id"], body["meta"]["versionId"]) == (ubrn, "4")
    (shown,) = documents_of(body)
    (attachment,) = attachments_of(body)
    assert shown["id"] == f"DocumentReference-{attachment['id']}"
    assert body["supportingInfo"] == [{"reference": f"#{shown['id']}"}]
    assert shown["description"] == "What the blood test showed"
    assert before <= datetime.fromisoformat(shown["indexed"]) <= now()
    assert attachment["url"] == f"Binary/{file}"
    assert (attachment["title"], attachment["contentType"]) == ("letter.pdf", "application/pdf")
    assert (attachment["size"], attachment["creation"]) == (len(LETTER.content), before.date().isoformat())
    assert {each["url"].removeprefix(f"{SD}Extension-eRS-") for each in attachment["extension"]} == {
        "AvailabilityStatus-1",
        "AttachedBy-1",
        "AttachedByOrganisation-1",
    }
    said = {
        each["url"]: each["valueReference"]["identifier"]
        for each in attachment["extension"]
        if "valueReference" in each
    }
    assert said == {
        f"{SD}Extension-eRS-AttachedBy-1": {"system": SDS_USER, "value": GP.user},
        f"{SD}Extension-eRS-AttachedByOrganisation-1": {"system": ODS, "value": PRACTICE},
    }
    assert availability_of(body) == ["PENDING"]
    assert moment(body, FIRST) is not None
    assert moment(body, LAST) is None
    assert await it.read(ubrn) == body


async def test_the_files_named_replace_all_others_in_the_order_named(it: Practice) -> None:
    ubrn, (one, two, three), version = await it.lettered("1.pdf", "2.pdf", "3.pdf")
    before = await it.read(ubrn)
    four = await it.file(ubrn, "4.pdf")
    after = (await it.maintain(ubrn, version, four, three, one)).json()
    assert names(after) == ["4.pdf", "3.pdf", "1.pdf"]
    kept = {each["url"]: each for each in attachments_of(before)}
    assert [kept.get(each["url"]) == each for each in attachments_of(after)] == [False, True, True]
    assert moment(after, FIRST) == moment(before, FIRST)
    assert str(moment(after, LAST)) > str(moment(after, FIRST))
    assert two not in str(after)


async def test_a_file_may_take_the_name_of_the_one_that_it_replaces(it: Practice) -> None:
    ubrn, _, version = await it.lettered("letter.pdf")
    reply = await it.maintain(ubrn, version, await it.file(ubrn, "letter.pdf"))
    assert (reply.status_code, names(reply.json())) == (200, ["letter.pdf"])


async def test_descriptions_are_changed_and_taken_away(it: Practice) -> None:
    ubrn, (one, two), version = await it.lettered("1.pdf", "2.pdf")
    described = (await it.maintain(ubrn, version, document(one, "new"), two)).json()
    assert [each.get("description") for each in documents_of(described)] == ["new", None]
    plain = (await it.maintain(ubrn, version + 1, one, two)).json()
    assert [each.get("description") for each in documents_of(plain)] == [None, None]
    assert documents_of(plain) == documents_of(await it.read(ubrn))


@pytest.mark.parametrize("reordered", [False, True])
async def test_asking_for_what_is_so_already_changes_nothing(it: Practice, reordered: bool) -> None:
    """A call that names the current files, in any order, returns NO_CHANGES_DETECTED."""
    ubrn, (one, two), version = await it.lettered("1.pdf", "2.pdf")
    version = int((await it.maintain(ubrn, version, document(one, "x"), two)).json()["meta"]["versionId"])
    before = await it.rows()
    same = [document(one, "x"), document(two)]
    reply = await it.maintain(ubrn, version, *(reversed(same) if reordered else same))
    assert told(reply)[:3] == (422, "business-rule", "NO_CHANGES_DETECTED")
    assert await it.rows() == before


async def test_an_admin_attaches_for_the_clinician_who_refers(it: Practice) -> None:
    ubrn = await it.refer()
    admin = await it.run.as_person(GP_ADMIN)
    file = await upload(admin, LETTER, ubrn)
    (attachment,) = attachments_of((await it.maintain(ubrn, 3, file, by=admin)).json())
    people = {
        each["url"].removeprefix(f"{SD}Extension-eRS-"): each["valueReference"]["identifier"]["value"]
        for each in attachment["extension"]
        if "valueReference" in each
    }
    assert people == {
        "AttachedBy-1": GP_ADMIN.user,
        "AttachedByOrganisation-1": PRACTICE,
        "AttachedOnBehalfOf-1": GP.user,
    }


async def test_any_of_the_practice_may_attach_what_one_of_them_uploaded(it: Practice) -> None:
    ubrn = await it.refer()
    file = await it.file(ubrn)
    assert (await it.maintain(ubrn, 3, file, by=await it.run.as_person(GP_ADMIN))).status_code == 200


async def test_a_change_is_an_event(it: Practice) -> None:
    ubrn, _, version = await it.lettered()
    async with it.run.service.world.read() as tx:
        events = [(each.act, each.version) for each in await tx.events.since(0) if each.key == ubrn]
    assert events == [("create", 3), ("change the referral letter", version)]


# ------------------------------------------------------------------------------------------------------- scans


async def test_the_letter_follows_the_scan_in_a_new_version(it: Practice) -> None:
    """Each scan creates a new version, so a caller with the version from before the scans gets a conflict."""
    ubrn = await it.refer()
    samples = {"a.pdf": LETTER, "b.txt": INFECTED, "c.pdf": LYING}
    files = [await it.file(ubrn, name, sample) for name, sample in samples.items()]
    first = (await it.maintain(ubrn, 3, *files)).json()
    assert availability_of(first) == ["PENDING"] * 3
    seen = list[list[str]]()
    for file in files:
        await it.scan(file)
        seen.append(availability_of(await it.read(ubrn)))
    assert seen == [
        ["AVAILABLE", "PENDING", "PENDING"],
        ["AVAILABLE", "THREATS_FOUND", "PENDING"],
        ["AVAILABLE", "THREATS_FOUND", "VALIDATION_FAILED"],
    ]
    after = await it.read(ubrn)
    assert int(after["meta"]["versionId"]) == int(first["meta"]["versionId"]) + 3
    assert moment(after, LAST) is None, "a scan is no change of the letter"
    stale = await it.maintain(ubrn, first["meta"]["versionId"], files[0])
    assert (stale.status_code, code_of(stale)) == (409, "VERSION_CONFLICT")


async def test_a_file_that_was_scanned_before_is_available_at_once(it: Practice) -> None:
    ubrn = await it.refer()
    file = await it.file(ubrn)
    await it.scan(file)
    assert availability_of((await it.maintain(ubrn, 3, file)).json()) == ["AVAILABLE"]


async def test_a_file_in_quarantine_may_stay_and_may_be_taken_out(it: Practice) -> None:
    ubrn = await it.refer()
    bad, good = await it.file(ubrn, "a.txt", INFECTED), await it.file(ubrn, "b.pdf")
    await it.maintain(ubrn, 3, bad, good)
    await it.scan(bad)
    assert names((await it.maintain(ubrn, 5, bad, document(good, "new"))).json()) == ["a.txt", "b.pdf"]
    assert names((await it.maintain(ubrn, 6, document(good, "new"))).json()) == ["b.pdf"]


# ----------------------------------------------------------------------------------------------- removed files


async def _purge(it: Practice, file: str) -> None:
    await purge_file(DueItem(PURGE, file, datetime.now(UTC), 0), it.run.service.world.for_call(entry()))


async def _due(it: Practice, file: str) -> list[datetime]:
    """Return the times at which the file will be purged."""
    rows: list[tuple[Any, ...]] = (await it.rows("due"))["due"]
    return [datetime.fromtimestamp(row[2] / 1_000_000, UTC) for row in rows if row[:2] == (PURGE, file)]


async def test_a_file_that_was_left_out_belongs_to_its_organisation_again(it: Practice) -> None:
    """When a file leaves the letter, the provider can no longer read it, but its organisation can.

    The file may be attached again. Otherwise it is purged after seven days.
    """
    ubrn = await it.refer_for_triage()
    _, (old,), version = await it.lettered("old.pdf", ubrn=ubrn)
    await it.scan(old)
    consultant = await it.run.as_person(CONSULTANT)
    assert (await consultant.get(f"/STU3/Binary/{old}")).status_code == 200
    new = await it.file(ubrn, "new.pdf")
    before = now()
    assert (await it.maintain(ubrn, version + 1, new)).status_code == 200
    assert (await it.gp.get(f"/STU3/Binary/{old}")).status_code == 200
    assert code_of(await consultant.get(f"/STU3/Binary/{old}")) == "NO_RELATIONSHIP"
    (due,) = await _due(it, old)
    assert before + timedelta(days=7) <= due <= now() + timedelta(days=7)
    back = await it.maintain(ubrn, version + 2, new, old)
    assert names(back.json()) == ["new.pdf", "old.pdf"]
    await _purge(it, old)
    assert (await consultant.get(f"/STU3/Binary/{old}")).status_code == 200, "a file of a letter is never purged"
    await it.maintain(ubrn, version + 3, new)
    await _purge(it, old)
    assert (await it.gp.get(f"/STU3/Binary/{old}")).status_code == 404
    reply = await it.maintain(ubrn, version + 4, new, old)
    assert code_of(reply) == "REFERENCE_NOT_FOUND"
