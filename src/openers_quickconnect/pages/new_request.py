"""A new request: what the patient needs, which services suit, what to send, and a last look before it is sent.

Each step is an address of its own, so that the browser's back button and a reload work. Nothing is stored before the
request is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from openers_client import Criteria, Deferral, ErsError, InvalidRequest, NewReferral, Question, Search, Shortlist
from openers_client.records.directory import Code, FoundService
from openers_client.records.referral import Referral
from openers_client.requests.shortlists import LETTER_LATER, NO_LETTER
from openers_quickconnect.desk import Desk
from openers_quickconnect.pages.shown import identity
from openers_quickconnect.records import Person
from openers_quickconnect.words import PRIORITIES, words
from openers_web.form import Form
from openers_web.layout import Link
from openers_web.parts.forms import Option

APPOINTMENT: Final = "APPOINTMENT_REQUEST"
ADVICE: Final = "ADVICE_AND_GUIDANCE_REQUEST"
TYPES: Final = [
    Option(APPOINTMENT, "Refer", "For an appointment or for triage."),
    Option(ADVICE, "Ask for advice", "A specialist answers in writing."),
]
SORTS: Final = [Option("DISTANCE", "Distance"), Option("IWT", "Wait for an appointment")]
LETTERS: Final = [
    Option(LETTER_LATER, "I will add a letter", "The provider reviews the referral once it has the letter."),
    Option(NO_LETTER, "No letter is needed"),
]
ACTIONS: Final = [
    Option("book", "Book a slot now", "You choose from the free slots on the next page."),
    Option("send", "Send to the first service", "For triage, or for the provider to book."),
    Option("give", "Give the shortlist to the patient", "The patient books with the printed access code."),
]
BOOKABLE: Final = {"DIRECTLY_BOOKABLE": "booked here", "INDIRECTLY_BOOKABLE": "booked by telephone"}
MOST_SERVICES: Final = 20
LONGEST_QUESTION: Final = 8000
CARRIED: Final = ("type", "priority", "specialty", "clinic", "postcode", "distance", "sort")


async def need(desk: Desk) -> Response:
    """Ask for the kind of request, the priority and the specialty, then for the clinic type."""
    person = await _person(desk)
    if person is None:
        return _lost(desk)
    specialties = await _codes(desk, "SPECIALTY")
    chosen = desk.asked("specialty")
    clinics = [each for each in await _codes(desk, "CLINIC-TYPE") if chosen and _belongs(each, chosen)]
    form = Form([(name, desk.asked(name)) for name in CARRIED if desk.asked(name)])
    if chosen and "clinic" in desk.request.query_params and not desk.asked("clinic"):
        form.reject("clinic", "Choose a clinic type")
    elif "specialty" in desk.request.query_params and not chosen:
        form.reject("specialty", "Choose a specialty")
    return desk.page(
        "need.html",
        **_shown(desk, person),
        form=form,
        types=TYPES,
        priorities=[Option(code, text) for code, text in PRIORITIES.items()],
        specialties=[Option("", "Choose a specialty"), *(Option(each.code, each.display) for each in specialties)],
        clinics=[Option("", "Choose a clinic type"), *(Option(each.code, each.display) for each in clinics)],
        asked=[(name, desk.asked(name)) for name in ("type", "priority") if desk.asked(name)],
        needs=_needs(desk),
        specialty=next((each.display for each in specialties if each.code == chosen), ""),
        chosen=chosen,
        before=desk.asked("before"),
        services_at=desk.at("patients", desk.part("patient"), "services"),
        here=desk.at("patients", desk.part("patient"), "new"),
        change=f"{_here(desk, 'new', specialty='', clinic='')}&{urlencode({'before': chosen})}",
        status=422 if form.errors else 200,
    )


async def services(desk: Desk) -> Response:
    """Show the services that suit, to choose from."""
    person = await _person(desk)
    if person is None:
        return _lost(desk)
    if not desk.asked("clinic"):
        return desk.go(f"{_here(desk, 'new')}&clinic=")
    problem, found = "", tuple[FoundService, ...]()
    try:
        found = await _search(desk, person)
    except InvalidRequest as error:
        problem = error.diagnostics
    base = desk.at("patients", desk.part("patient"))
    return desk.page(
        "services.html",
        **_shown(desk, person),
        found=found,
        trusts=await _trusts(desk, found),
        problem=problem,
        bookable=BOOKABLE,
        carried=[(name, desk.asked(name)) for name in CARRIED if desk.asked(name)],
        is_advice=desk.asked("type") == ADVICE,
        sorts=[
            (each.text, _here(desk, "services", sort=each.value), (desk.asked("sort") or "DISTANCE") == each.value)
            for each in SORTS
        ],
        change=f"{base}/new?{urlencode(_carried(desk))}",
        details_at=f"{base}/details",
        needs=_needs(desk),
    )


async def details(desk: Desk) -> Response:
    """Ask for what else the request needs, and send it."""
    person = await _person(desk)
    if person is None:
        return _lost(desk)
    chosen = list(dict.fromkeys(desk.request.query_params.getlist("service")))[:MOST_SERVICES]
    if not chosen:
        return desk.go(_here(desk, "services"), "Choose at least one service.", problem=True)
    is_advice = desk.asked("type") == ADVICE
    form = await desk.form()
    if desk.is_sent:
        reply = await (_ask(desk, person, chosen, form) if is_advice else _refer(desk, person, chosen, form))
        if reply is not None:
            return reply
    by_id = {each.id: each for each in await _search_again(desk, person)}
    needs_letter = any(each in by_id and by_id[each].letter_required for each in chosen)
    return desk.page(
        "details.html",
        **_shown(desk, person),
        form=form,
        services=[(by_id[each].name, by_id[each].place or "") if each in by_id else (each, "") for each in chosen],
        is_advice=is_advice,
        letters=LETTERS[:1] if needs_letter else LETTERS,
        needs_letter=needs_letter,
        actions=ACTIONS,
        longest=LONGEST_QUESTION,
        names_clinician=desk.function == "REFERRING_CLINICIAN_ADMIN",
        change=_here(desk, "services"),
        here=f"{desk.request.url.path}?{desk.request.url.query}",
        needs=_needs(desk),
        status=422 if form.errors else 200,
    )


async def _refer(desk: Desk, person: Person, chosen: list[str], form: Form) -> Response | None:
    letter = form.required("letter", "Say whether you will add a letter")
    action = form.required("action", "Choose what happens next")
    if form.errors:
        return None
    shortlist = Shortlist(chosen, _criteria(desk))
    new = NewReferral(
        patient=person.nhs_number,
        shortlist=shortlist,
        letter=letter,
        reminder_days=14,
        referring_clinician=form.text("clinician") or None,
    )
    try:
        made = await desk.caller.create_referral(new)
    except InvalidRequest as error:
        form.reject("", error.diagnostics or "The service does not accept this referral")
        return None
    here = desk.at("referrals", made.ubrn)
    if action == "book":
        return desk.go(desk.at("referrals", made.ubrn, "slots"), "The referral is created. Now choose a slot.")
    if action == "send":
        return await _send(desk, made, here)
    return desk.go(here, "The referral is created. Print the letter with the access code for the patient.")


async def _send(desk: Desk, made: Referral, here: str) -> Response:
    """Send a new referral to its first service."""
    (first, *_) = await desk.caller.read_services([made.shortlist[0].id])
    reason = "TRIAGE" if "REVIEW" in first.request_flows else "NO_SLOTS_AT_SERVICE"
    try:
        await desk.caller.defer(made, Deferral(service=first.id, reason=reason))
    except ErsError as error:
        why = error.diagnostics if isinstance(error, InvalidRequest) else "the service did not answer"
        return desk.go(here, f"The referral is created, but not sent: {why}", problem=True)
    return desk.go(here, "The referral is created and sent to the service.")


async def _ask(desk: Desk, person: Person, chosen: list[str], form: Form) -> Response | None:
    text = form.required("text", "Write your question", LONGEST_QUESTION)
    if len(chosen) > 1:
        form.reject("", "A question goes to one service. Go back and choose one")
    if form.errors:
        return None
    question = Question(
        patient=person.nhs_number,
        shortlist=Shortlist(chosen, _criteria(desk)),
        text=text,
        may_convert=bool(form.text("convert")),
        referring_clinician=form.text("clinician") or None,
    )
    try:
        asked = await desk.caller.ask_for_advice(question)
    except InvalidRequest as error:
        form.reject("", error.diagnostics or "The service does not accept this question")
        return None
    await desk.remember([asked.request.ubrn])
    return desk.go(desk.at("advice", asked.request.ubrn), "Your question is sent.")


async def _person(desk: Desk) -> Person | None:
    number = desk.seal.open(desk.part("patient"))
    if number is None:
        return None
    return await desk.find_patient(number)


async def _search(desk: Desk, person: Person) -> tuple[FoundService, ...]:
    """Return the services that suit (A010). Raises InvalidRequest."""
    search = Search(
        patient=person.nhs_number,
        criteria=_criteria(desk),
        request_type=desk.asked("type") or APPOINTMENT,
        sort_by=desk.asked("sort") or "DISTANCE",
        referring_clinician=_clinician(desk),
    )
    return await desk.caller.search_services(search)


async def _search_again(desk: Desk, person: Person) -> tuple[FoundService, ...]:
    """Return the services that suit; none if the service cannot search any more."""
    try:
        return await _search(desk, person)
    except InvalidRequest:
        return ()


async def _trusts(desk: Desk, found: tuple[FoundService, ...]) -> Mapping[str, str]:
    """Return the names of the providers of services."""
    return (await desk.names(organisations=[each.organisation or "" for each in found])).organisations


async def _codes(desk: Desk, system: str) -> list[Code]:
    found = await desk.caller.code_system(system)
    return sorted((each for each in found.codes if each.effective_to is None), key=lambda each: each.display)


def _belongs(clinic: Code, specialty: str) -> bool:
    properties: list[dict[str, Any]] = clinic.resource.get("property") or []
    return any(specialty in str(each) for each in properties)


def _criteria(desk: Desk) -> Criteria:
    miles = desk.asked("distance")
    return Criteria(
        priority=desk.asked("priority") or "ROUTINE",
        specialty=desk.asked("specialty") or None,
        clinic_type=desk.asked("clinic") or None,
        postcode=desk.asked("postcode").upper() or None,
        distance_limit_miles=int(miles) if miles.isascii() and miles.isdigit() and len(miles) < 4 else None,
    )


def _clinician(desk: Desk) -> str | None:
    return desk.asked("clinician") or None


def _carried(desk: Desk, **changes: str) -> list[tuple[str, str]]:
    values = {name: desk.asked(name) for name in CARRIED} | changes
    return [(name, value) for name, value in values.items() if value]


def _here(desk: Desk, step: str, **changes: str) -> str:
    return f"{desk.at('patients', desk.part('patient'), step)}?{urlencode(_carried(desk, **changes))}"


def _needs(desk: Desk) -> str:
    kind = "Advice" if desk.asked("type") == ADVICE else "Referral"
    specialty, clinic = desk.asked("specialty"), desk.asked("clinic")
    parts = [kind, words(PRIORITIES, desk.asked("priority") or "ROUTINE"), _named(specialty), _named(clinic)]
    return " · ".join(part for part in parts if part)


def _named(code: str) -> str:
    """Return a code in words, without the number that tells it from another of the same name."""
    return words({}, code.rstrip("0123456789").rstrip("_"))


def _shown(desk: Desk, person: Person) -> dict[str, Any]:
    at = desk.at("patients", desk.part("patient"))
    return {
        "current": desk.at("patients"),
        "back": Link("Patient", at),
        **identity(desk, person, person.nhs_number),
    }


def _lost(desk: Desk) -> Response:
    return desk.go(desk.at("patients"), "Find the patient again: this address is not complete.", problem=True)
