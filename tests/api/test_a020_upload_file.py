"""A020 and A039: a file is stored completely or not at all. Source: rules chapters 2.4, 2.7, 4 (A020) and 6.

`tests/unit/test_file_names.py` and `test_sniffing.py` cover names, types and contents separately.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from tests.kit.calls.expectations import TEXT, code_of, place_of, told
from tests.kit.files.practice import Practice, practice_in
from tests.kit.files.samples import LETTER, MOST, SAMPLES, Sample, attachments_of, sent, upload
from tests.kit.run.moments import now
from tests.kit.service.running import CONSULTANT_ADMIN, Running

from openers.domain.identifiers import FileId
from openers.usecases.files.upload_file import PURGE, SCAN

pytestmark = pytest.mark.anyio

PREVIEW = 100 * 1024 * 1024
"""The largest file in bytes that A039 accepts."""
HEADERS = {"NHSD-eRS-File-Name": "letter.txt", "Content-Type": "text/plain"}


def contents(run: Running) -> list[str]:
    """Return the file names in the blob store, drafts included."""
    root = Path(run.service.settings.blob_url.removeprefix("file:"))
    return sorted(each.name for each in root.rglob("*") if each.is_file())


async def test_an_upload_is_kept_with_all_that_is_known_of_it(practice_on_both: Practice) -> None:
    """The file is stored, its scan is due at once and its purge in a week."""
    it = practice_on_both
    before = now()
    reply = await sent(it.gp, LETTER, "000000000001")
    assert (reply.status_code, reply.content) == (201, b"")
    assert "content-type" not in reply.headers
    file = FileId(reply.headers["location"].removeprefix("Binary/"))
    async with it.run.service.world.read() as tx:
        kept = await tx.files.get(file)
    assert kept is not None
    assert (kept.name, kept.media_type, kept.size) == (LETTER.name, LETTER.media_type, len(LETTER.content))
    assert (kept.by, kept.organisation, kept.meant_for) == ("555073103100", "D82106", "000000000001")
    assert (kept.availability, kept.preview, kept.attached_to) == ("PENDING", False, None)
    assert kept.sha256 == hashlib.sha256(LETTER.content).hexdigest()
    assert kept.blob in contents(it.run)
    due = {kind: at for kind, key, at, *_ in (await it.rows("due"))["due"] if key == file}
    week = timedelta(days=7)
    for kind, after in ((SCAN, timedelta()), (PURGE, week)):
        at = datetime.fromtimestamp(due[kind] / 1_000_000, UTC)
        assert before + after <= at <= now() + after


async def test_a_preview_is_marked(practice: Practice) -> None:
    reply = await practice.gp.post("/R4/Binary", content=b"text", headers=HEADERS)
    async with practice.run.service.world.read() as tx:
        kept = await tx.files.get(FileId(reply.headers["location"].removeprefix("Binary/")))
    assert kept is not None
    assert kept.preview


async def test_who_an_admin_acts_for_is_kept(practice: Practice) -> None:
    file = await upload(await practice.run.as_person(CONSULTANT_ADMIN))
    async with practice.run.service.world.read() as tx:
        kept = await tx.files.get(FileId(file))
    assert kept is not None
    assert (kept.by, kept.on_behalf_of) == (CONSULTANT_ADMIN.user, CONSULTANT_ADMIN.on_behalf_of)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.name)
async def test_every_type_comes_back_as_it_was_sent(practice: Practice, sample: Sample) -> None:
    """After the scan, A006 returns the same content and media type."""
    file = await upload(practice.gp, sample)
    await practice.scan(file)
    reply = await practice.gp.get(f"/STU3/Binary/{file}")
    assert (reply.status_code, reply.content) == (200, sample.content), reply.text
    assert reply.headers["content-type"] == sample.media_type
    assert reply.headers["content-disposition"].startswith(f'attachment; filename="{sample.name}"')


@pytest.mark.parametrize("media_type", ["text/plain; charset=utf-8", "TEXT/Plain", 'text/plain;x="a;b"'])
async def test_the_media_type_may_have_parameters(practice: Practice, media_type: str) -> None:
    file = await upload(practice.gp, Sample("letter.txt", media_type, b"text"))
    await practice.scan(file)
    assert (await practice.gp.get(f"/STU3/Binary/{file}")).headers["content-type"] == "text/plain"


NAMES = ("Blood test 3 May (copy).txt", "Café £5 \U0001f600.txt", "a'b\"c;d=e%20&f.txt", "x" * 251 + ".txt")


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_comes_back_as_it_was_sent(practice: Practice, name: str) -> None:
    """The letter and the download header contain the same name as the upload."""
    ubrn = await practice.refer()
    headers = {**HEADERS, "NHSD-eRS-File-Name": name.encode(), "NHSD-eRS-Referral-ID": ubrn}
    reply = await practice.gp.post("/STU3/Binary", content=b"text", headers=headers)  # pyright: ignore[reportArgumentType]  # httpx sends bytes unchanged
    file = reply.headers["location"].removeprefix("Binary/")
    body = (await practice.maintain(ubrn, 3, file)).json()
    assert [each["title"] for each in attachments_of(body)] == [name]
    await practice.scan(file)
    told_as = (await practice.gp.get(f"/STU3/Binary/{file}")).headers["content-disposition"]
    assert unquote(told_as.rpartition("''")[2]) == name


# ------------------------------------------------------------------------------------------------------- sizes


def _pieces(size: int, at_once: int = 1024 * 1024) -> AsyncIterator[bytes]:
    async def _made() -> AsyncIterator[bytes]:
        left = size
        while left > 0:
            yield b"a" * min(left, at_once)
            left -= at_once

    return _made()


@pytest.mark.parametrize("chunked", [False, True])
async def test_the_largest_file_is_taken_and_a_byte_more_is_not(service: Running, chunked: bool) -> None:
    it = await practice_in(service)
    for path, size, taken in (("/STU3/Binary", MOST, True), ("/STU3/Binary", MOST + 1, False)):
        before = contents(service), await it.rows()
        content: Any = _pieces(size) if chunked else b"a" * size
        reply = await it.gp.post(path, content=content, headers=HEADERS)
        if taken:
            assert reply.status_code == 201
            continue
        assert told(reply)[:3] == (422, "business-rule", "FILE_SIZE_ERROR")
        assert (contents(service), await it.rows()) == before


@pytest.mark.parametrize(("path", "code"), [("/STU3/Binary", "FILE_SIZE_ERROR"), ("/R4/Binary", "REC_BAD_REQUEST")])
async def test_an_empty_file_is_refused(service: Running, path: str, code: str) -> None:
    it = await practice_in(service)
    reply = await it.gp.post(path, content=b"", headers=HEADERS)
    assert (reply.status_code, code_of(reply), place_of(reply)) == (422 if "STU3" in path else 400, code, "file size")
    assert contents(service) == []


async def test_a_preview_takes_a_hundred_mebibytes_and_no_more(service: Running) -> None:
    """A file between the two limits can be attached and downloaded (A042), but A006 rejects it."""
    it = await practice_in(service)
    reply = await it.gp.post("/R4/Binary", content=_pieces(PREVIEW + 1), headers=HEADERS)
    assert (reply.status_code, code_of(reply), contents(service)) == (400, "REC_BAD_REQUEST", [])
    ubrn = await it.refer()
    headers = {**HEADERS, "NHSD-eRS-Referral-ID": ubrn}
    reply = await it.gp.post("/R4/Binary", content=_pieces(MOST + 1), headers=headers)
    file = reply.headers["location"].removeprefix("Binary/")
    assert (await it.maintain(ubrn, 3, file)).status_code == 200
    await it.scan(file)
    assert code_of(await it.gp.get(f"/STU3/Binary/{file}")) == "FILE_SIZE_ERROR"
    address = (await it.gp.get(f"/R4/Binary/{file}")).headers["location"]
    fetched = await service.pages().get(address)
    assert (fetched.status_code, len(fetched.content)) == (200, MOST + 1)


async def test_an_upload_that_breaks_off_leaves_nothing(service: Running) -> None:
    """An incomplete upload stores nothing and gets no reply, because the client has disconnected."""
    it = await practice_in(service)
    before = await it.rows()
    answered = list[Any]()
    messages = [{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}]

    async def _receive() -> Any:
        return messages.pop(0)

    async def _send(message: Any) -> None:
        answered.append(message)

    request = it.gp.build_request("POST", "/STU3/Binary", headers=HEADERS)
    raw = [(name.lower(), value) for name, value in request.headers.raw]
    scope = {"type": "http", "method": "POST", "path": request.url.path, "query_string": b"", "headers": raw}
    await service.service.edge(scope, _receive, _send)
    assert (answered, contents(service), await it.rows()) == ([], [], before)


# -------------------------------------------------------------------------------------------------- rejections

REFUSED: tuple[tuple[Mapping[str, str | None], str, str], ...] = (
    ({"NHSD-eRS-File-Name": None}, "MISSING_VALUE", "NHSD-eRS-File-Name"),
    ({"NHSD-eRS-File-Name": ""}, "MISSING_VALUE", "NHSD-eRS-File-Name"),
    ({"NHSD-eRS-File-Name": "x" * 9996 + ".txt"}, "INVALID_VALUE", "NHSD-eRS-File-Name"),
    ({"NHSD-eRS-File-Name": "../letter.txt"}, "INVALID_VALUE", "NHSD-eRS-File-Name"),
    ({"NHSD-eRS-File-Name": "=?utf-8?Q?a=0D=0Ab.txt?="}, "INVALID_VALUE", "NHSD-eRS-File-Name"),
    ({"NHSD-eRS-File-Name": "letter.pdf"}, "CONFLICTING_VALUES", "NHSD-eRS-File-Name"),
    ({"NHSD-eRS-File-Name": "letter"}, "CONFLICTING_VALUES", "NHSD-eRS-File-Name"),
    ({"Content-Type": "application/pdf"}, "CONFLICTING_VALUES", "NHSD-eRS-File-Name"),
    ({"Content-Type": "text/html", "NHSD-eRS-File-Name": "a.html"}, "INAPPROPRIATE_VALUE", "Content-Type"),
    ({"Content-Type": "application/fhir+json"}, "INAPPROPRIATE_VALUE", "Content-Type"),
    ({"NHSD-eRS-Referral-ID": "70000"}, "INVALID_VALUE", "NHSD-eRS-Referral-ID"),
    ({"NHSD-eRS-Referral-ID": "00000007000X"}, "INVALID_VALUE", "NHSD-eRS-Referral-ID"),
)


async def _refused(it: Practice, path: str, changes: Mapping[str, str | None]) -> httpx.Response:
    headers = {name: value for name, value in {**HEADERS, **changes}.items() if value is not None}
    before = contents(it.run), await it.rows()
    reply = await it.gp.post(path, content=b"text", headers=headers)
    assert (contents(it.run), await it.rows()) == before
    return reply


@pytest.mark.parametrize(("changes", "code", "place"), REFUSED, ids=range(len(REFUSED)))
async def test_a_file_that_is_refused_leaves_nothing(
    practice: Practice, changes: Mapping[str, str | None], code: str, place: str
) -> None:
    reply = await _refused(practice, "/STU3/Binary", changes)
    assert (reply.status_code, code_of(reply), place_of(reply)) == (422, code, place)
    preview = await _refused(practice, "/R4/Binary", changes)
    assert (preview.status_code, code_of(preview), place_of(preview)) == (400, "REC_BAD_REQUEST", place)


async def test_a_body_that_does_not_say_what_it_is(practice: Practice) -> None:
    reply = await _refused(practice, "/STU3/Binary", {"Content-Type": None})
    assert (reply.status_code, reply.headers["content-type"]) == (415, TEXT)
    assert (await _refused(practice, "/R4/Binary", {"Content-Type": None})).status_code == 415
