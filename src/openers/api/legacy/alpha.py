"""A009 to A014 of the alpha API. Their bodies are read into today's commands. Source: ADR 0073."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import msgspec

from openers.api.call import Call, etag
from openers.api.http.reply import Header, Reply
from openers.api.legacy.catalogue import Generation
from openers.api.legacy.registry import Needs, serves
from openers.domain.attachments import LARGEST_UPLOAD
from openers.domain.file_types import check_file
from openers.domain.identifiers import FileId
from openers.domain.principal import RC, RCA, SPC
from openers.domain.referral import Referral
from openers.usecases.deciding.accept_referral import AcceptReferral
from openers.usecases.deciding.decide import decide
from openers.usecases.deciding.reject_referral import RejectReferral
from openers.usecases.directory.search_directory import search_directory
from openers.usecases.directory.search_services import search_services
from openers.usecases.files.maintain_letter import MaintainLetter, check_may_change, maintain_letter
from openers.usecases.files.upload_file import UploadFile, upload_file
from openers.usecases.finding import ReferralChange, find_to_change
from openers.usecases.ports.transaction import Stored
from openers.usecases.referring.create_referral import create_referral
from openers.wire.dstu2.acts import NewFile, read_letter_change, read_rejection
from openers.wire.dstu2.referral import write_created
from openers.wire.dstu2.search import read_create_referral, read_directory_search, read_search, write_found

MOST_BODY_BYTES: Final = 8 * 2**20
"""Maximum bytes of a body with files, which base64 makes a third longer."""
REFERRERS: Final = frozenset({RC, RCA})
PROVIDERS: Final = frozenset({SPC})
_JSON: Header = (b"content-type", b"application/json+fhir")


@serves("A009", Generation.ALPHA, Needs(roles=REFERRERS, audit="API Directory Service Search", reads_body=True))
async def search_services_of_directory(call: Call) -> Reply:
    """Find services without regard to a patient."""
    found = await search_directory(read_directory_search(call.body), call.world, call.settings.search_limit)
    return call.plain(write_found(found, names_clinicians=True))


@serves("A010", Generation.ALPHA, Needs(roles=REFERRERS, audit="API Patient Service Search", reads_body=True))
async def search_services_for_patient(call: Call) -> Reply:
    """Find the services to which a patient can be referred."""
    found = await search_services(read_search(call.body, call.principal), call.world, call.settings.search_limit)
    return call.plain(write_found(found, names_clinicians=False))


@serves(
    "A011", Generation.ALPHA, Needs(roles=REFERRERS, audit="API Create Referral Request", success=201, reads_body=True)
)
async def create_through_shortlist(call: Call) -> Reply:
    """Create a referral through a shortlist."""
    stored = await create_referral(read_create_referral(call.body, call.principal), call.world)
    return call.plain(write_created(stored), _JSON, _version(stored))


@serves(
    "A012",
    Generation.ALPHA,
    Needs(
        roles=REFERRERS, audit="API Upload Attachments", reads_body=True, if_match=True, most_body_bytes=MOST_BODY_BYTES
    ),
)
async def upload_referral_letter(call: Call) -> Reply:
    """Change the letter of a referral: keep, remove and add files."""
    change, which, world = read_letter_change(call.body), call.which, call.world
    async with world.read() as tx:
        stored = await find_to_change(ReferralChange(**which), world, tx)
        await check_may_change(stored, world, tx)
    change.kept(stored.value)
    for each in change.insert:
        check_file(each.name, _media_type(each))
    added = tuple([await _upload(each, call) for each in change.insert])
    files = change.named(stored.value, added)
    kept = timedelta(hours=call.settings.unlinked_files_kept_h)
    changed = await maintain_letter(MaintainLetter(**which, files=files, kept=kept), world)
    return call.plain(b"", _version(changed))


@serves("A013", Generation.ALPHA, Needs(roles=PROVIDERS, audit="API Accept Referral", if_match=True))
async def accept(call: Call) -> Reply:
    """Accept a booked referral."""
    return call.plain(b"", _version(await decide(AcceptReferral(**call.which), call.world)))


@serves("A014", Generation.ALPHA, Needs(roles=PROVIDERS, audit="API Reject Referral", reads_body=True, if_match=True))
async def reject(call: Call) -> Reply:
    """Reject a booked referral."""
    told = read_rejection(call.body)
    command = RejectReferral(
        **call.which, reason=told.reason, comment=told.comment, cancelled_in_pas=told.cancelled_in_pas
    )
    return call.plain(b"", _version(await decide(command, call.world)))


async def _upload(file: NewFile, call: Call) -> FileId:
    """Store one file for the referral, with an audit entry of its own. Raises a `FieldRefused`, Unavailable."""
    own = call.world.for_call(msgspec.structs.replace(call.world.entry))

    async def _content() -> AsyncIterator[bytes]:
        yield file.content

    command = UploadFile(
        by=call.principal,
        name=file.name,
        media_type=_media_type(file),
        most_bytes=LARGEST_UPLOAD,
        kept=timedelta(hours=call.settings.unlinked_files_kept_h),
        meant_for=call.ubrn,
    )
    return await upload_file(command, _content(), own)


def _media_type(file: NewFile) -> str:
    return file.media_type.partition(";")[0].strip().lower()


def _version(stored: Stored[Referral]) -> Header:
    return (b"etag", etag(stored.version))
