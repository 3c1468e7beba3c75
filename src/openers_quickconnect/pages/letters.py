"""Files: the referral letter, downloads, and printed documents."""

from __future__ import annotations

import io
from typing import Final
from urllib.parse import quote

from starlette.datastructures import UploadFile
from starlette.responses import Response

from openers_client import Attachment, InvalidRequest, Upload
from openers_quickconnect.desk import Desk
from openers_quickconnect.pages.referrals import files_of
from openers_quickconnect.pages.shown import identified, ubrn
from openers_web.csrf import FORM_TOKEN
from openers_web.form import Form
from openers_web.headers import PAGE_HEADERS
from openers_web.layout import Link

LARGEST_BYTES: Final = 5_000_000
MOST_FILES: Final = 10
ACCEPTED: Final = ".pdf,.doc,.docx,.rtf,.txt,.jpg,.jpeg,.png,.tif,.tiff,.gif,.bmp,.xml,.html"
INLINE: Final = frozenset({"application/pdf", "image/jpeg", "image/png", "image/gif", "text/plain"})
"""Types that a browser shows without running anything in them."""
SANDBOX: Final = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; object-src 'self'; sandbox"


async def letter(desk: Desk) -> Response:
    """Show the files of the letter, and add one."""
    referral = await desk.caller.read_referral(desk.part("ubrn"))
    form, here = Form(), desk.at("referrals", referral.ubrn)
    if desk.is_sent:
        form, sent = await _sent(desk)
        if sent is not None:
            kept = [Attachment(each.uploaded, each.description) for each in files_of(referral) if each.is_letter]
            try:
                uploaded = await desk.caller.upload(Upload(name=sent[0], content=sent[1], ubrn=referral.ubrn))
                added = Attachment(uploaded, form.text("description") or None)
                await desk.caller.maintain_letter(referral, [*kept, added])
            except InvalidRequest as error:
                form.reject("file", _why(error))
            else:
                return desk.go(here, "The letter is added. The service checks the file for viruses.")
    return desk.page(
        "letter.html",
        back=Link("Referral", here),
        referral=referral,
        **await identified(desk, referral.patient),
        number=ubrn(referral.ubrn),
        files=files_of(referral),
        form=form,
        accepted=ACCEPTED,
        done_at=here,
        status=422 if form.errors else 200,
    )


async def file(desk: Desk) -> Response:
    """Return a file of a referral, to show or to save."""
    into = io.BytesIO()
    found = await desk.caller.download(desk.part("file"), into)
    return document(into.getvalue(), found.name or "file", found.media_type or "application/octet-stream")


async def print_letter(desk: Desk) -> Response:
    """Return the letter to the patient, with the access code, as PDF."""
    into = io.BytesIO()
    found = await desk.caller.print_letter(desk.part("ubrn"), into)
    return document(into.getvalue(), found.name or "letter.pdf", "application/pdf")


async def print_conversation(desk: Desk) -> Response:
    """Return a conversation, with the recommendations of its provider, as PDF."""
    into = io.BytesIO()
    found = await desk.caller.print_conversation(desk.part("ubrn"), into)
    return document(into.getvalue(), found.name or "advice.pdf", "application/pdf")


async def print_summary(desk: Desk) -> Response:
    """Return the clinical information of a referral as PDF."""
    into = io.BytesIO()
    found = await desk.caller.print_summary(desk.part("ubrn"), into)
    return document(into.getvalue(), found.name or "summary.pdf", "application/pdf")


def document(body: bytes, name: str, media_type: str) -> Response:
    """Return a file so that nothing in it can run as a page of ours."""
    plain = media_type.partition(";")[0].strip().lower()
    shown = "inline" if plain in INLINE else "attachment"
    headers = {
        **PAGE_HEADERS,
        "content-security-policy": SANDBOX,
        "content-disposition": f"{shown}; filename*=UTF-8''{quote(name)}",
    }
    if plain == "application/pdf":
        del headers["content-security-policy"]  # Chromium shows no PDF in a sandbox, and runs nothing in one
    return Response(body, headers=headers, media_type=media_type)


async def _sent(desk: Desk) -> tuple[Form, tuple[str, bytes] | None]:
    """Return the fields of the form, and the file that came with it."""
    async with desk.request.form(max_files=1, max_fields=20, max_part_size=LARGEST_BYTES) as parts:
        form = Form([(name, value) for name, value in parts.multi_items() if isinstance(value, str)])
        desk.check(form.text(FORM_TOKEN))
        sent = parts.get("file")
        if not isinstance(sent, UploadFile) or not sent.filename:
            form.reject("file", "Choose a file")
            return form, None
        body = await sent.read(LARGEST_BYTES + 1)
        if len(body) > LARGEST_BYTES:
            form.reject("file", "The file is larger than 5 MB. Choose a smaller one")
            return form, None
        if not body:
            form.reject("file", "The file is empty. Choose another one")
            return form, None
        return form, (sent.filename, body)


def _why(error: InvalidRequest) -> str:
    return error.diagnostics or "The service does not accept this file. Choose another one"
