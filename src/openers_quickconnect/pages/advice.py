"""Requests for advice: the conversation, answers, replies, closing, and conversion to a referral."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import nh3
from markupsafe import Markup
from starlette.responses import Response

from openers_client import Closing, Conversion, InvalidRequest, VersionConflict
from openers_client import Response as Answer
from openers_client.operations.advice import SENDERS
from openers_client.records.advice import AdviceRequest, Message
from openers_quickconnect.desk import Desk
from openers_quickconnect.lists import ADVICE, CLINICIANS, TO_ANSWER, WORKLISTS
from openers_quickconnect.pages.referrals import facts_of, outline
from openers_quickconnect.pages.shown import after, identity, next_in_full, patient_name, priority, ubrn, when
from openers_quickconnect.records import FoundNames, Overview
from openers_quickconnect.words import PRIORITIES, STATES, words
from openers_web.form import Form
from openers_web.layout import Link
from openers_web.parts.forms import Option

LONGEST: Final = 8000
RECOMMENDED: Final = "Recommendation: "
LONGEST_ANSWER: Final = 7900
"""Maximum length of an answer in characters, so that its recommendation fits behind it."""
OUTCOMES: Final = [
    Option("RETURN_TO_REFERRER_WITH_ADVICE", "Give advice"),
    Option("REQUIRE_FURTHER_INFORMATION", "Ask for further information"),
    Option("CONVERT", "Convert to a referral", "Your service books the patient."),
]
RECOMMENDATIONS: Final = [
    Option("ADVICE_ONLY_NO_REFERRAL_RECOMMENDED", "No referral recommended"),
    Option("ADVICE_FOLLOWED_BY_REFERRAL_IF_REQUIRED", "Refer if the advice does not help"),
    Option("REFERRAL_RECOMMENDED", "Refer"),
    Option("OTHER", "Other"),
]
YES_NO: Final = [Option("yes", "Yes"), Option("no", "No")]
SIDES: Final = {"REQUESTER": "The referrer", "RESPONDER": "The provider"}


async def conversation(desk: Desk) -> Response:
    """Show a conversation, and take the next message."""
    if desk.function not in CLINICIANS:
        return await outline(desk, ADVICE)
    request = await desk.caller.read_advice_request(desk.part("ubrn"))
    form = await desk.form()
    if desk.is_sent and (reply := await _acted(desk, request, form)) is not None:
        return reply
    messages, overviews = await asyncio.gather(
        desk.caller.conversation(request, (SENDERS,)), desk.overviews([request.ubrn])
    )
    overview = next((each for each in overviews if each.kind == ADVICE), None)
    names = await _names(desk, request, messages, overview)
    patient = identity(desk, names.patients.get(request.patient or ""), request.patient or "")
    whose = str(patient["patient_at"])
    if overview is not None and overview.next_step is not None:
        await desk.remember([request.ubrn])
    return desk.page(
        "conversation.html",
        current=desk.at("worklists", ADVICE),
        back=Link("Patient", whose) if whose else Link("Advice", desk.at("worklists", ADVICE)),
        request=request,
        number=ubrn(request.ubrn),
        **patient,
        state=words(STATES, request.status),
        tag=priority(request.priority),
        next_text=next_in_full(overview),
        facts_shown=facts_of(overview, names),
        messages=[(_sender(each, names), when(each.sent), shown(each)) for each in messages],
        refer_at=f"{whose}/new?{urlencode({'specialty': request.specialty or ''})}" if whose else "",
        printed=desk.at(ADVICE, request.ubrn, "conversation.pdf"),
        side=_turn(desk, request),
        form=form,
        outcomes=[each for each in OUTCOMES if each.value != "CONVERT" or request.may_convert],
        recommendations=RECOMMENDATIONS,
        yes_no=YES_NO,
        priorities=[Option(code, text) for code, text in PRIORITIES.items()],
        longest=LONGEST,
        longest_answer=LONGEST_ANSWER,
        following="" if _refers(desk) else desk.at(ADVICE, request.ubrn, "next"),
        status=422 if form.errors else 200,
    )


async def next_in_queue(desk: Desk) -> Response:
    """Go to the question after this one in the list, without an answer."""
    rows = await desk.caller.advice_worklist(next(each.code for each in WORKLISTS if each.name == ADVICE))
    row = after(rows, desk.part("ubrn"))
    if row is None:
        return desk.go(desk.at("worklists", ADVICE), "No other question waits.")
    return desk.go(desk.at(ADVICE, row.ubrn))


async def _names(
    desk: Desk, request: AdviceRequest, messages: Sequence[Message], overview: Overview | None
) -> FoundNames:
    people = [each.sender or "" for each in messages]
    organisations = [each.organisation or "" for each in messages]
    if overview is not None:
        people.append(overview.clinician)
        organisations.append(overview.organisation)
    return await desk.names([request.patient or ""], people, organisations)


def _sender(message: Message, names: FoundNames) -> str:
    """Return who sent a message, and from where; the side if that is not known."""
    person = names.people.get(message.sender or "", "")
    organisation = names.organisations.get(message.organisation or "", message.organisation or "")
    return ", ".join(each for each in (person, organisation) if each) or words(SIDES, message.side)


def shown(message: Message) -> Markup:
    """Return the text of a message: its harmless markup, nothing that could run or load."""
    clean = nh3.clean(message.text, tags={"p", "br", "b", "i", "strong", "em", "ul", "ol", "li"}, attributes={})
    return Markup(clean.replace("\n", "<br>"))  # noqa: S704 - cleaned in the line above


def _refers(desk: Desk) -> bool:
    return desk.function.startswith("REFERRING")


def _turn(desk: Desk, request: AdviceRequest) -> str:
    """Return which forms the page shows: `answer` of a provider; `add`, `reply` or `decide` of a referrer; or none."""
    if not _refers(desk):
        return "answer" if request.status == TO_ANSWER else ""
    turns = {
        TO_ANSWER: "add",
        "REFERRER_TO_SUBMIT_FURTHER_INFORMATION": "reply",
        "REFERRER_TO_REVIEW_RESPONSE": "decide",
    }
    return turns.get(request.status, "")


async def _acted(desk: Desk, request: AdviceRequest, form: Form) -> Response | None:
    """Carry out what the form asks for; `None` with errors on the form."""
    here = desk.at(ADVICE, request.ubrn)
    try:
        match form.text("act"):
            case "answer":
                return await _answer(desk, request, form)
            case "reply":
                text = form.required("text", "Write your reply", LONGEST)
                if form.errors:
                    return None
                await desk.caller.reply_to_provider(request, text)
                return desk.go(here, "Your reply is sent.")
            case "close":
                return await _close(desk, request, form)
            case "withdraw":
                await desk.caller.close_advice(request, Closing(comments=form.text("comments") or None))
                return desk.go(here, "The question is withdrawn.")
            case _:
                return None
    except VersionConflict:
        return desk.go(here, "There is something new in this conversation. Read it, then write again.", problem=True)
    except InvalidRequest as error:
        form.reject("", error.diagnostics or "This is not possible now")
        return None


async def _answer(desk: Desk, request: AdviceRequest, form: Form) -> Response | None:
    outcome = form.required("outcome", "Choose what you want to do")
    text = form.required("text", "Write your answer", LONGEST_ANSWER)
    level = form.text("priority") or request.priority or "ROUTINE"
    if form.errors:
        return None
    if outcome == "CONVERT":
        made = await desk.caller.convert_advice(request, Conversion(text=text, priority=level, comments=text[:2000]))
        return desk.go(
            desk.at("referrals", made.ubrn), "The question is now a referral. Your service books the patient."
        )
    intended = form.text("recommendation") or None
    if outcome == "RETURN_TO_REFERRER_WITH_ADVICE" and intended is None:
        form.reject("recommendation", "Choose a recommendation")
        return None
    answer = Answer(
        outcome=outcome,
        text=_with_recommendation(text, intended if outcome == "RETURN_TO_REFERRER_WITH_ADVICE" else None),
        priority=level,
        recommendation=intended if outcome == "RETURN_TO_REFERRER_WITH_ADVICE" else None,
    )
    await desk.caller.send_response(request, answer)
    names = await desk.names([request.patient or ""])
    whose = patient_name(names.patients.get(request.patient or ""), "") or "the patient"
    return desk.go(desk.at("worklists", ADVICE), f"Your answer about {whose} ({ubrn(request.ubrn)}) is sent.")


def _with_recommendation(text: str, intended: str | None) -> str:
    """Return an answer with its recommendation as last line, because a referrer who reads messages (A025) lacks it."""
    said = next((each.text for each in RECOMMENDATIONS if each.value == intended), None)
    return text if said is None else f"{text}\n\n{RECOMMENDED}{said}."


async def _close(desk: Desk, request: AdviceRequest, form: Form) -> Response | None:
    avoided = form.required("avoided", "Say whether the advice avoided a referral")
    useful = form.required("useful", "Say whether the advice was useful")
    if form.errors:
        return None
    closing = Closing(
        referral_avoided=avoided == "yes", advice_useful=useful == "yes", comments=form.text("comments") or None
    )
    await desk.caller.close_advice(request, closing)
    return desk.go(desk.at(ADVICE, request.ubrn), "The conversation is closed.")
