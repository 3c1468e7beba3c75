"""A006 and A042: only callers with a legitimate relationship can download a file, and only after its scan.

Source: rules chapters 1.3, 2.7, 4 (A006, A042) and 6; RFC 9110 (ranges).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import msgspec
import pytest
from tests.kit.calls.expectations import OUTCOME, R4_ERS, R4_HTTP, TEXT, check_outcome, code_of, told
from tests.kit.files.practice import Practice
from tests.kit.files.samples import INFECTED, LETTER, LYING, Sample, upload
from tests.kit.service.arrangements import Moved, patient_called, put
from tests.kit.service.requests import PATIENT
from tests.kit.service.running import (
    CONSULTANT,
    CONSULTANT_ADMIN,
    CONSULTANT_ELSEWHERE,
    GP,
    GP_ADMIN,
    RC,
    SPC,
    Person,
    Running,
    entry,
)
from tests.kit.store.outside import entries, execute
from tests.kit.store.records import caller

from openers.domain.attachments import Availability
from openers.domain.identifiers import FileId
from openers.domain.principal import BusinessFunction
from openers.files.signed_addresses import SignedAddresses
from openers.key_files import read_or_make_key

pytestmark = pytest.mark.anyio

GP_ELSEWHERE = Person("555073103211", "B86011", RC)
BOTH_SIDES = Person("021600556514", "R69", SPC)
PENDING = Sample("openers-pending.txt", "text/plain", b"text")
THREAT = Sample("openers-threat.txt", "text/plain", b"text")
INVALID = Sample("openers-invalid.txt", "text/plain", b"text")


@dataclass
class Shelf:
    """A practice with three files: of an unbooked referral, of one for triage, and of no referral."""

    practice: Practice
    unbooked: str
    triage: str
    unlinked: str

    @property
    def run(self) -> Running:
        """Return the service."""
        return self.practice.run

    async def client(self, who: Person | str) -> httpx.AsyncClient:
        """Return a client for a person or an application."""
        return await (self.run.as_application(who) if isinstance(who, str) else self.run.as_person(who))

    async def address(self, file: str) -> str:
        """Return the download address that A042 gives the GP."""
        reply = await self.practice.gp.get(f"/R4/Binary/{file}")
        assert reply.status_code == 307, reply.text
        return reply.headers["location"]


@pytest.fixture(scope="module")
async def shelf(practice_on_both: Practice) -> Shelf:
    it = practice_on_both
    _, (unbooked,), _ = await it.lettered()
    _, (triage,), _ = await it.lettered(ubrn=await it.refer_for_triage())
    unlinked = await upload(it.gp)
    await it.scan(unbooked, triage, unlinked)
    return Shelf(it, unbooked, triage, unlinked)


# ----------------------------------------------------------------------------------------- who may download

RELATED = [
    # caller; may read the file of the unbooked referral, of the referral for triage at RCD, and of no referral
    (GP, True, True, True),
    (GP_ADMIN, True, True, True),
    (GP_ELSEWHERE, False, False, False),
    (CONSULTANT, False, True, False),
    (CONSULTANT_ADMIN, False, True, False),
    (CONSULTANT_ELSEWHERE, False, False, False),
    (BOTH_SIDES, False, False, False),
    (replace(BOTH_SIDES, organisation="RCD"), False, True, False),
    ("demo-provider-app", False, True, False),
]


@pytest.mark.parametrize(("who", "unbooked", "triage", "unlinked"), RELATED, ids=str)
async def test_a_file_is_for_those_related_to_it(
    shelf: Shelf, who: Person | str, unbooked: bool, triage: bool, unlinked: bool
) -> None:
    client = await shelf.client(who)
    for file, may in ((shelf.unbooked, unbooked), (shelf.triage, triage), (shelf.unlinked, unlinked)):
        content, address = await client.get(f"/STU3/Binary/{file}"), await client.get(f"/R4/Binary/{file}")
        assert (content.status_code, address.status_code) == ((200, 307) if may else (422, 403))
        if may:
            assert content.content == LETTER.content
            continue
        assert code_of(content) == code_of(address) == "NO_RELATIONSHIP"
        assert address.json()["issue"][0]["details"]["coding"][0]["system"] == R4_ERS
        assert "location" not in address.headers


@pytest.mark.parametrize(
    "file", ["0e2c9a52-6d0f-4a0e-9f0e-0a1b2c3d4e5f", "att-70000-1", "x", "%2e%2e", "letter.pdf", "x" * 3000]
)
async def test_a_file_that_is_not_there(shelf: Shelf, file: str) -> None:
    gp = shelf.practice.gp
    assert told(await gp.get(f"/STU3/Binary/{file}"))[:3] == (404, "not-found", "REFERENCE_NOT_FOUND")
    reply = await gp.get(f"/R4/Binary/{file}")
    assert told(reply)[:3] == (404, "not-found", "REC_NOT_FOUND")
    assert reply.json()["issue"][0]["details"]["coding"][0]["system"] == R4_HTTP


async def test_a_file_of_a_patient_who_has_become_sensitive(shelf: Shelf) -> None:
    known = await patient_called(shelf.run, PATIENT)
    await put(shelf.run, msgspec.structs.replace(known, sensitive=True))
    try:
        reply = await shelf.practice.gp.get(f"/STU3/Binary/{shelf.triage}")
        address = await shelf.practice.gp.get(f"/R4/Binary/{shelf.triage}")
    finally:
        await put(shelf.run, known)
    assert (reply.status_code, code_of(reply)) == (422, "PATIENT_ERROR")
    assert (address.status_code, code_of(address)) == (400, "REC_BAD_REQUEST")


STANDINGS = (
    (INFECTED, "THREATS_FOUND"),
    (THREAT, "THREATS_FOUND"),
    (LYING, "VALIDATION_FAILED"),
    (INVALID, "VALIDATION_FAILED"),
)


@pytest.mark.parametrize(("sample", "code"), STANDINGS, ids=lambda each: getattr(each, "name", each))
async def test_a_file_that_did_not_pass_its_scan(shelf: Shelf, sample: Sample, code: str) -> None:
    """A file is pending before its scan and has the result afterwards. Callers without a relationship see neither."""
    it = shelf.practice
    file = await upload(it.gp, sample)
    elsewhere = await shelf.client(GP_ELSEWHERE)
    for expected in ("PENDING", code):
        reply, address = await it.gp.get(f"/STU3/Binary/{file}"), await it.gp.get(f"/R4/Binary/{file}")
        assert told(reply)[:3] == (422, "business-rule", expected)
        assert told(address)[:3] == (422, "invalid", expected)
        assert address.json()["issue"][0]["details"]["coding"][0]["system"] == R4_ERS
        assert code_of(await elsewhere.get(f"/STU3/Binary/{file}")) == "NO_RELATIONSHIP"
        await it.scan(file)


async def test_a_file_whose_scanner_is_away_stays_pending(shelf: Shelf) -> None:
    it = shelf.practice
    file = await upload(it.gp, PENDING)
    with pytest.raises(Exception, match="virus scanner"):
        await it.scan(file)
    assert code_of(await it.gp.get(f"/STU3/Binary/{file}")) == "PENDING"


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("", 200),
        ("*/*", 200),
        ("application/pdf", 200),
        ("application/*;q=0.1", 200),
        ("application/fhir+json", 406),
        ("text/plain", 406),
        ("application/pdf;q=0, */*", 406),
    ],
)
async def test_the_type_of_the_file_must_be_accepted(shelf: Shelf, accept: str, status: int) -> None:
    """A006 rejects other media types with 406. A042 redirects whatever the Accept header contains."""
    reply = await shelf.practice.gp.get(f"/STU3/Binary/{shelf.triage}", headers={"Accept": accept})
    assert reply.status_code == status
    if status == 406:
        assert (reply.headers["content-type"], reply.text) == (TEXT, "Accept must allow application/pdf.")
    address = await shelf.practice.gp.get(f"/R4/Binary/{shelf.triage}", headers={"Accept": accept})
    assert address.status_code == 307


# ------------------------------------------------------------------------------------------- signed addresses


OF_EACH = ("etag", "content-length", "x-request-id")
"""Headers that differ between files or between calls."""


async def test_an_address_needs_nothing_else(shelf: Shelf) -> None:
    """A signed address needs no token and no header. The reply is never cached, and browsers do not run its content."""
    reply = await shelf.run.pages().get(await shelf.address(shelf.triage))
    assert (reply.status_code, reply.content) == (200, LETTER.content)
    told_headers = {name: reply.headers[name] for name in reply.headers if name not in OF_EACH}
    assert told_headers == {
        "accept-ranges": "bytes",
        "cache-control": "private, no-store",
        "content-disposition": "attachment; filename=\"letter.pdf\"; filename*=UTF-8''letter.pdf",
        "content-security-policy": "default-src 'none'; sandbox",
        "content-type": "application/pdf",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    assert int(reply.headers["content-length"]) == len(LETTER.content)


async def test_addresses_differ_by_caller(shelf: Shelf) -> None:
    consultant = await shelf.client(CONSULTANT)
    theirs = (await consultant.get(f"/R4/Binary/{shelf.triage}")).headers["location"]
    assert theirs != await shelf.address(shelf.triage)


async def test_the_audit_tells_who_was_given_the_address(shelf: Shelf) -> None:
    consultant = await shelf.client(CONSULTANT_ADMIN)
    address = (await consultant.get(f"/R4/Binary/{shelf.triage}")).headers["location"]
    assert (await shelf.run.pages().get(address)).status_code == 200
    fetched = (await entries(shelf.run))[-1]
    assert (fetched["user"], fetched["on_behalf_of"]) == (CONSULTANT_ADMIN.user, CONSULTANT_ADMIN.on_behalf_of)
    assert (fetched["organisation"], fetched["business_function"]) == ("RCD", CONSULTANT_ADMIN.function)
    assert (fetched["operation"], fetched["outcome"]) == ("/files/", 200)
    assert fetched["ubrn"]
    assert (await shelf.run.pages().get(f"{address}x")).status_code == 403
    refused = (await entries(shelf.run))[-1]
    assert (refused["operation"], refused["outcome"], refused["code"]) == ("/files/", 403, "ACCESS_DENIED")


async def _is_refused(shelf: Shelf, address: str, status: int = 403, code: str = "ACCESS_DENIED") -> None:
    for method in ("GET", "HEAD"):
        reply = await shelf.run.pages().request(method, address)
        assert reply.status_code == status, reply.text
        assert "etag" not in reply.headers
        assert LETTER.content not in reply.content
        if method == "GET":
            assert reply.headers["content-type"] == OUTCOME
            assert code_of(reply) == code
            check_outcome({**reply.json(), "meta": reply.json()["meta"]}, "R4")


async def test_an_address_ends(shelf: Shelf) -> None:
    """A signed address expires after one minute of the wall clock, which tests cannot move."""
    settings = shelf.run.service.settings
    key = read_or_make_key(settings.files_key_file, strict=False)
    by = caller(BusinessFunction.REFERRING_CLINICIAN, GP.organisation)
    life = timedelta(seconds=settings.file_address_life_s)
    assert life == timedelta(minutes=1)
    for ago, good in ((life - timedelta(seconds=20), True), (life, False), (timedelta(days=1), False)):
        earlier = SignedAddresses(key, Moved(shelf.run.service.world.wall, -ago), life)
        address = earlier.give(FileId(shelf.triage), by, settings.base_url)
        if good:
            assert (await shelf.run.pages().get(address)).status_code == 200
        else:
            await _is_refused(shelf, address)


async def test_an_altered_address_is_refused(shelf: Shelf) -> None:
    address, other = await shelf.address(shelf.triage), await shelf.address(shelf.unbooked)
    told_part, _, signature = address.rpartition(".")
    swapped = "B" if signature[0] == "A" else "A"
    for altered in (
        f"{told_part}.{swapped}{signature[1:]}",
        f"{told_part}.{other.rpartition('.')[2]}",
        f"{told_part}.",
        told_part,
        address[:-1],
        f"{address}=",
        address.replace("/files/", "/files/x"),
        f"{shelf.run.service.settings.base_url}/files/{shelf.triage}",
        f"{shelf.run.service.settings.base_url}/files/%00%FF",
    ):
        await _is_refused(shelf, altered)


async def test_an_address_does_not_outlive_what_it_stands_for(shelf: Shelf) -> None:
    """The address stops working when the file is quarantined or deleted."""
    it = shelf.practice
    file = await upload(it.gp)
    await it.scan(file)
    address = await shelf.address(file)
    assert (await shelf.run.pages().get(address)).status_code == 200
    async with it.run.service.world.for_call(entry()).begin("quarantine for a test") as tx:
        known = await tx.files.get(FileId(file))
        assert known is not None
        await tx.files.put(msgspec.structs.replace(known, availability=Availability.THREATS_FOUND))
    await _is_refused(shelf, address, 422, "THREATS_FOUND")
    assert code_of(await it.gp.get(f"/STU3/Binary/{file}")) == "THREATS_FOUND"
    await execute(it.run.service.settings.database_url, "DELETE FROM files WHERE id = ?", file)
    await _is_refused(shelf, address, 404, "REC_NOT_FOUND")


async def test_content_that_is_lost_is_told_before_the_reply_begins(shelf: Shelf) -> None:
    """The service returns 503 instead of an incomplete 200."""
    it = shelf.practice
    file = await upload(it.gp)
    await it.scan(file)
    address = await shelf.address(file)
    async with it.run.service.world.read() as tx:
        known = await tx.files.get(FileId(file))
    assert known is not None
    await it.run.service.world.blobs.remove(known.blob)
    reply = await it.gp.get(f"/STU3/Binary/{file}")
    assert (reply.status_code, code_of(reply), reply.headers["retry-after"]) == (503, "SYSTEM_UNAVAILABLE", "5")
    fetched = await shelf.run.pages().get(address)
    assert (fetched.status_code, code_of(fetched), fetched.headers["retry-after"]) == (503, "REC_UNAVAILABLE", "5")


SIZE = len(LETTER.content)
RANGES = (
    ("bytes=0-0", 206, (0, 1)),
    ("bytes=0-", 206, (0, SIZE)),
    ("bytes=5-9", 206, (5, 10)),
    (f"bytes=10-{SIZE * 9}", 206, (10, SIZE)),
    (f"bytes={SIZE - 1}-", 206, (SIZE - 1, SIZE)),
    ("bytes=-3", 206, (SIZE - 3, SIZE)),
    (f"bytes=-{SIZE * 9}", 206, (0, SIZE)),
    (f"bytes={SIZE}-", 416, None),
    ("bytes=-0", 416, None),
    ("bytes=9-5", 416, None),
    ("bytes=0-1,3-4", 200, None),
    ("bytes=-", 200, None),
    ("lines=0-1", 200, None),
    ("bytes=0-\u0661", 200, None),
    ("x", 200, None),
)


@pytest.mark.parametrize(("wanted", "status", "span"), RANGES, ids=lambda each: str(each))
async def test_a_range(shelf: Shelf, wanted: str, status: int, span: tuple[int, int] | None) -> None:
    address, pages = await shelf.address(shelf.triage), shelf.run.pages()
    reply = await pages.get(address, headers={"Range": wanted.encode()})  # pyright: ignore[reportArgumentType]  # httpx sends bytes unchanged
    head = await pages.head(address, headers={"Range": wanted.encode()})  # pyright: ignore[reportArgumentType]  # as above
    assert (reply.status_code, head.status_code, head.content) == (status, status, b"")
    told = [{name: value for name, value in each.headers.items() if name != "x-request-id"} for each in (head, reply)]
    assert told[0] == told[1]
    if status == 416:
        assert (reply.content, reply.headers["content-range"]) == (b"", f"bytes */{SIZE}")
        return
    start, end = span or (0, SIZE)
    assert reply.content == LETTER.content[start:end]
    assert reply.headers.get("content-range") == (f"bytes {start}-{end - 1}/{SIZE}" if span else None)
    assert int(reply.headers["content-length"]) == end - start


async def test_a_range_of_another_file_is_answered_whole(shelf: Shelf) -> None:
    """With `If-Range`, a client gets the rest of a file only if the file has not changed."""
    address, pages = await shelf.address(shelf.triage), shelf.run.pages()
    etag = (await pages.head(address)).headers["etag"]
    for given, status in ((etag, 206), ('"other"', 200)):
        assert (await pages.get(address, headers={"Range": "bytes=3-", "If-Range": given})).status_code == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_an_address_is_for_reading(shelf: Shelf, method: str) -> None:
    reply = await shelf.run.pages().request(method, await shelf.address(shelf.triage))
    assert reply.status_code == 405
