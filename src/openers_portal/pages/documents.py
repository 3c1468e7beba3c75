"""Pages of documents: their texts for everybody, and those of a partner with signatures and PDF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import anyio.to_thread
from starlette.responses import Response

from openers_portal.access import Act
from openers_portal.pages.partners import partner_of
from openers_portal.printing import NoPrinter, printed
from openers_portal.rules import documents as rules
from openers_portal.rules.documents import Document, Signature
from openers_portal.store.signatures import AlreadySigned
from openers_portal.visitor import NotHere, Visitor
from openers_web.headers import PAGE_HEADERS

PDF: Final = "application/pdf"


async def everything(me: Visitor) -> Response:
    """Show which documents there are."""
    return me.show("documents.html", {"documents": rules.latest()})


async def text(me: Visitor) -> Response:
    """Show the text of a document. Raises NotHere."""
    found = _latest(me)
    return me.show("document.html", {"document": found, "sha256": found.sha256})


async def of_partner(me: Visitor) -> Response:
    """Show the documents of a partner with their signatures."""
    partner = await partner_of(me)
    signed = {(each.document, each.version): each for each in await me.store.signatures.of_partner(partner.id)}
    rows = [
        {
            "document": each,
            "signature": signed.get((each.id, each.version)),
            "older": _older(each, list(signed.values())),
        }
        for each in rules.latest()
    ]
    return me.show("partner_documents.html", {"partner": partner, "documents": rows})


async def sign(me: Visitor) -> Response:
    """Show a document to a partner, and sign it in its name."""
    partner, found, form = await partner_of(me), _latest(me), await me.form()
    place = f"/partners/{partner.id}/documents/{found.id}"
    if me.is_sent:
        if form.text("sha256") != found.sha256:
            form.reject("", "The text has changed since you opened it. Read it again")
        if form.text("agree") != "yes":
            form.reject("agree", "Confirm that you may sign for the organisation")
        if not form.errors:
            signature = Signature(
                document=found.id,
                version=found.version,
                sha256=found.sha256,
                name=me.name,
                subject=me.subject,
                role=me.roles.partners[partner.id],
                at=me.house.clock(),
            )
            try:
                await me.store.signatures.add(partner.id, signature)
            except AlreadySigned:
                return me.go(place, "This version is signed already.", problem=True)
            return me.go(place, "The document is signed.")
    data = {
        "partner": partner,
        "document": found,
        "sha256": found.sha256,
        "signature": await _signature(me, partner.id, found),
        "may_sign": me.covers(Act.SIGN, partner.id),
    }
    return me.show("partner_document.html", data, form=form)


async def pdf(me: Visitor) -> Response:
    """Return a document of a partner as PDF, with its signature if it is signed. Raises NotHere."""
    partner, found = await partner_of(me), _latest(me)
    signature = await _signature(me, partner.id, found)
    try:
        content = await anyio.to_thread.run_sync(printed, found, partner.partner.name, signature)
    except NoPrinter:
        said = "This portal cannot print: its operator installs openers[documents]."
        return me.go(f"/partners/{partner.id}/documents/{found.id}", said, problem=True)
    name = f"{found.id}-{found.version}.pdf"
    headers = {**PAGE_HEADERS, "content-disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type=PDF)


def _latest(me: Visitor) -> Document:
    found = rules.document(me.part("document"))
    if found is None:
        raise NotHere
    return found


async def _signature(me: Visitor, partner: str, of: Document) -> Signature | None:
    found = await me.store.signatures.of_partner(partner)
    return next((each for each in found if (each.document, each.version) == (of.id, of.version)), None)


def _older(of: Document, signed: Sequence[Signature]) -> Signature | None:
    """Return the last signature of an earlier version."""
    found = [each for each in signed if each.document == of.id and each.version != of.version]
    return found[-1] if found else None
