"""Decisions: a referrer cancels a referral; a provider accepts, rejects, books later, or records a triage outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.responses import Response

from openers_client import ActLater, ErsError, InvalidRequest, RejectionOfReferral, ReviewOutcome, VersionConflict
from openers_client.records.referral import Referral
from openers_quickconnect.desk import Desk
from openers_quickconnect.pages.reasons import Act, reasons
from openers_quickconnect.pages.referrals import files_of
from openers_quickconnect.pages.shown import after, identified, identity, next_in_full, patient_name, priority, ubrn
from openers_quickconnect.words import PRIORITIES
from openers_web.form import Form
from openers_web.layout import Link
from openers_web.parts.forms import Option

KEEP: Final = ""
OUTCOMES: Final = [
    Option("ACCEPT_REFER_BOOK_LATER", "Accept: we book the patient", "Your service arranges the appointment."),
    Option(
        "RETURN_TO_REFERRER_WITH_ADVICE",
        "Return with advice",
        "The referrer reads your advice and decides the next step.",
    ),
]
CHOICES: Final = [
    Option("accept", "Accept", "The patient keeps the appointment. An acceptance carries no comment."),
    Option("later", "Cancel the appointment and book later", "The slot becomes free. Your service books the patient."),
    Option("reject", "Reject", "The appointment is cancelled. The referrer must choose another service."),
]
DECIDED: Final = {
    "accept": "Accepted",
    "later": "Appointment cancelled, to be booked later",
    "reject": "Rejected",
    "ACCEPT_REFER_BOOK_LATER": "Accepted, your service books the patient",
    "RETURN_TO_REFERRER_WITH_ADVICE": "Returned with advice",
}
"""Words for a decision, by the value of a form."""
LONGEST: Final = 2000


async def review(desk: Desk) -> Response:
    """Show a booked referral with its documents, and take the decision."""
    referral = await desk.caller.read_referral(desk.part("ubrn"))
    form = await desk.form()
    if desk.is_sent:
        act = _reviewed(desk, referral, form)
        if act is not None and (reply := await _done(desk, referral, form, act)) is not None:
            return reply
    return await _page(
        desk,
        "review.html",
        referral,
        form,
        choices=CHOICES,
        reasons=await reasons(desk, Act.REJECT),
    )


async def outcome(desk: Desk) -> Response:
    """Show a referral that waits for triage with its documents, and take the outcome."""
    referral = await desk.caller.read_referral(desk.part("ubrn"))
    form = await desk.form()
    if desk.is_sent:
        chosen = form.required("outcome", "Choose an outcome")
        comments = form.required("comments", "Write a comment for the referrer", LONGEST)
        if not form.errors:
            wanted = ReviewOutcome(outcome=chosen, comments=comments, priority=form.text("priority") or None)
            reply = await _done(desk, referral, form, lambda: desk.caller.record_review_outcome(referral, wanted))
            if reply is not None:
                return reply
    return await _page(desk, "outcome.html", referral, form, choices=OUTCOMES)


async def cancel(desk: Desk) -> Response:
    """Ask why a referral is cancelled, and cancel it."""
    referral = await desk.caller.read_referral(desk.part("ubrn"))
    form = await desk.form()
    here = desk.at("referrals", referral.ubrn)
    if desk.is_sent and (reason := form.required("reason", "Choose a reason")):
        try:
            await desk.caller.cancel_referral(referral, reason, form.text("comment") or None)
        except InvalidRequest as error:
            form.reject("reason", error.diagnostics)
        else:
            return desk.go(here, "The referral is cancelled.")
    return desk.page(
        "decide.html",
        back=Link("Referral", here),
        **await identified(desk, referral.patient),
        number=ubrn(referral.ubrn),
        title="Cancel the referral",
        consequence="The referral ends. A booked appointment is cancelled too. This is final.",
        form=form,
        options=await reasons(desk, Act.CANCEL_REFERRAL, stands=referral.appointment_status == "booked"),
        act="Cancel the referral",
        status=422 if form.errors else 200,
    )


def _reviewed(desk: Desk, referral: Referral, form: Form) -> Callable[[], Awaitable[Referral]] | None:
    """Return the call that carries the decision out; `None` with errors on the form."""
    decision = form.required("decision", "Choose a decision")
    comments = form.text("comments") or None
    if decision == "accept":
        if comments:
            form.reject("comments", "An acceptance carries no comment to the referrer. Remove it, or decide otherwise")
        return None if form.errors else lambda: desk.caller.accept_referral(referral)
    if decision == "later":
        said = form.required("comments", "Write a comment for the referrer", LONGEST)
        later = ActLater(comments=said, priority=form.text("priority") or None)
        return None if form.errors else lambda: desk.caller.cancel_appointment_action_later(referral, later)
    reason = form.required("reason", "Choose a reason")
    wanted = RejectionOfReferral(reason=reason, comments=comments)
    return None if form.errors else lambda: desk.caller.reject_referral(referral, wanted)


async def _done(desk: Desk, referral: Referral, form: Form, act: Callable[[], Awaitable[Referral]]) -> Response | None:
    """Carry a decision out and go to the next referral of the list; `None` with errors on the form."""
    here = desk.at("referrals", referral.ubrn)
    try:
        await act()
    except VersionConflict:
        return desk.go(
            here, "Another user has changed this referral meanwhile. Look at it, then decide again.", problem=True
        )
    except InvalidRequest as error:
        form.reject("", error.diagnostics or "This decision is not possible now")
        return None
    names, following = await asyncio.gather(desk.names([referral.patient or ""]), _following(desk, referral.ubrn))
    patient = patient_name(names.patients.get(referral.patient or ""), "")
    decided = DECIDED.get(form.text("decision") or form.text("outcome"), "Done")
    said = f"{decided}: {patient or 'referral'} ({ubrn(referral.ubrn)})."
    if following is None:
        return desk.go(desk.at("worklists", "to-review"), f"{said} No other referral waits.")
    return desk.go(following, f"{said} This is the next one.")


async def next_in_queue(desk: Desk) -> Response:
    """Go to the referral after this one in the list, without a decision."""
    following = await _following(desk, desk.part("ubrn"))
    if following is None:
        return desk.go(desk.at("worklists", "to-review"), "No other referral waits.")
    return desk.go(following)


async def _following(desk: Desk, present: str) -> str | None:
    """Return the address of the referral to review after the present one; after the last one comes the first."""
    try:
        rows = await desk.caller.worklist("REFERRALS_FOR_REVIEW")
    except ErsError:
        return None
    row = after(rows, present)
    if row is None:
        return None
    page = "outcome" if row.columns.get("referralType") == "TRIAGE_DEFERRAL" else "review"
    return desk.at("referrals", row.ubrn, page)


async def _page(desk: Desk, template: str, referral: Referral, form: Form, **more: object) -> Response:
    names = await desk.names([referral.patient or ""])
    overviews = await desk.overviews([referral.ubrn])
    overview = next((each for each in overviews if each.kind == "referral"), None)
    number = referral.patient or ""
    return desk.page(
        template,
        current=desk.at("worklists", "to-review"),
        back=Link("Referral", desk.at("referrals", referral.ubrn)),
        referral=referral,
        number=ubrn(referral.ubrn),
        **identity(desk, names.patients.get(number), number),
        overview=overview,
        next_text=next_in_full(overview),
        tag=priority(referral.priority),
        files=files_of(referral),
        form=form,
        priorities=[Option(KEEP, "As it is"), *(Option(code, text) for code, text in PRIORITIES.items())],
        status=422 if form.errors else 200,
        following=desk.at("referrals", referral.ubrn, "next"),
        **more,
    )
