"""A004 to A008 in DSTU2. Who may call them follows the effective function of the session. Source: ADR 0073."""

from __future__ import annotations

import re
from typing import Final

from openers.api.call import Call
from openers.api.http.media import disposition
from openers.api.http.reply import Content, Reply
from openers.api.legacy.catalogue import Generation
from openers.api.legacy.registry import Needs, serves
from openers.domain.attachments import Attachment
from openers.domain.codes import CodeSystemName
from openers.domain.errors import Field, MissingParameter, NotFound
from openers.domain.identifiers import Ubrn
from openers.domain.principal import RC, RCA, SPA, SPC
from openers.usecases.files.read_file import ReadFile, content_of, read_file
from openers.usecases.paper.generate_summary import GenerateSummary, generate_summary
from openers.usecases.referring.read_referral import ReadReferral, read_referral
from openers.usecases.worklists.fetch_worklist import fetch_worklist
from openers.wire.dstu2.referral import write_referral
from openers.wire.dstu2.value_set import NAME, write_value_set
from openers.wire.dstu2.worklist import read_fetch_worklist, write_worklist

READERS: Final = frozenset({RC, RCA, SPC})
_FILE: Final = re.compile(r"att-([0-9]{1,12})-([1-9][0-9]{0,17})", re.ASCII)


@serves("A004", Generation.DSTU2, Needs(roles=READERS, audit="API Retrieve Reference Data"))
async def retrieve_value_set(call: Call) -> Reply:
    """Retrieve the specialties, effective or not."""
    name = call.path["id"]
    if name != NAME:
        raise NotFound(Field.CODE_SYSTEM, name)
    system = call.world.reference.code_system(CodeSystemName.SPECIALTY)
    name = f"DSTU2 {system.changed} {system.edition}"
    return call.plain(call.renderings.of_release(name, lambda: write_value_set(system)))


@serves("A005", Generation.DSTU2, Needs(roles=READERS, audit="API Retrieve Request Summary"))
async def retrieve_referral(call: Call) -> Reply:
    """Retrieve a referral."""
    stored = await read_referral(ReadReferral(_ubrn(call.path["ubrn"]), call.principal), call.world)
    call.world.entry.related = stored.value.related
    return call.reply(stored, write_referral)


@serves("A006", Generation.DSTU2, Needs(roles=READERS, audit="API Retrieve Clinical Attachment"))
async def retrieve_attachment(call: Call) -> Reply:
    """Retrieve a file of a referral, by the address that A005 gives."""
    attachment = await _attachment(call)
    file = await read_file(ReadFile(attachment.file, call.principal), call.world)
    call.world.entry.read_file(attachment.id, file.name)
    call.check_accepts(file.media_type)
    headers = (
        (b"content-type", file.media_type.encode()),
        (b"content-disposition", disposition(file.name)),
    )
    return Reply(call.operation.success, Content(await content_of(file, call.world), file.size), headers)


@serves("A007", Generation.DSTU2, Needs(roles=READERS, audit="API Retrieve Clinical Information"))
async def retrieve_clinical_information(call: Call) -> Reply:
    """Retrieve the clinical information of a referral as a PDF."""
    values = [value for name, value in call.query if name.upper() == "UBRN"]
    if not values or not values[0]:
        raise MissingParameter(Field.REFERRAL)
    ubrn = _ubrn(values[0])
    stored = await read_referral(ReadReferral(ubrn, call.principal), call.world)
    if stored.value.is_active and not stored.value.clinical_information.is_there:
        raise NotFound(Field.LETTER_FILE, ubrn)
    made = await generate_summary(GenerateSummary(ubrn, call.principal), call.world)
    named = b'attachment; filename="%s"' % made.name.encode()
    return call.plain(made.pdf, (b"content-type", b"application/pdf"), (b"content-disposition", named))


@serves(
    "A008", Generation.DSTU2, Needs(roles=frozenset({SPC, SPA}), audit="API Retrieve Request List", reads_body=True)
)
async def retrieve_worklist(call: Call) -> Reply:
    """Retrieve the referrals that wait for a review."""
    query = read_fetch_worklist(call.body, call.principal)
    fetched = await fetch_worklist(query, lambda members: members, call.world)
    rows = [fetched.rows[each.key] for each in fetched.members if each.key in fetched.rows]
    return call.plain(write_worklist(rows))


async def _attachment(call: Call) -> Attachment:
    """Return the file whose referral and number the address names. Raises NotFound, NoRelationship, PatientError."""
    name = call.path["id"]
    matched = _FILE.fullmatch(name)
    if matched is None:
        raise NotFound(Field.FILE, name[:50])
    stored = await read_referral(ReadReferral(_ubrn(matched[1].zfill(12)), call.principal), call.world)
    found = next((each for each in stored.value.attachments if each.id == matched[2]), None)
    if found is None:
        raise NotFound(Field.FILE, name)
    return found


def _ubrn(text: str) -> Ubrn:
    """Return a UBRN. Raises NotFound, also for one in a wrong form."""
    try:
        return Ubrn(text)
    except ValueError as error:
        raise NotFound(Field.REFERRAL, text[:50]) from error
