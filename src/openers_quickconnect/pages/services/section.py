"""One section of a service: its form, and what another definer has changed meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.responses import Response

from openers_client import InvalidRequest, VersionConflict
from openers_client.administration import ClinicType, Draft, Registered
from openers_quickconnect.desk import Desk
from openers_quickconnect.pages.services import controls
from openers_quickconnect.pages.services.listing import sites_of
from openers_quickconnect.pages.services.sections import Section, section_named
from openers_quickconnect.pages.services.service import back_to
from openers_quickconnect.pages.services.shown import in_words
from openers_quickconnect.problems import said_of
from openers_web.form import Form
from openers_web.parts.forms import Option

PROVIDER_CLINICIAN: Final = "SERVICE_PROVIDER_CLINICIAN"
VERSION: Final = "version"
PAIR: Final = "pair"


async def section(desk: Desk) -> Response:
    """Show a section of the draft, and save it."""
    wanted = section_named(desk.part("section"))
    number = desk.part("service")
    if wanted is None:
        return desk.go(desk.at("services", number), "A service has no such section.", problem=True)
    draft = await desk.administration.services.read_draft(number)
    sent = await desk.form()
    is_pairs = wanted.covers("clinic_types")
    if desk.is_sent:
        reply = await (_save_pairs(desk, draft, sent) if is_pairs else _save(desk, draft, wanted, sent))
        if reply is not None:
            return reply
    if is_pairs:
        return await _pairs_page(desk, draft, sent)
    shown = sent if desk.is_sent or sent.pairs else controls.filled(wanted, controls.values_of(draft.value))
    options = await _options(desk, wanted, draft.value)
    return desk.page(
        "services/section.html",
        current=desk.at("services"),
        back=back_to(desk, draft),
        status=422 if shown.errors else 200,
        form=shown,
        title=wanted.title,
        version=draft.version,
        controls=[controls.shown(each, shown, options.get(each.place, ())) for each in wanted.controls],
        cancel=desk.at("services", number),
    )


async def _save(desk: Desk, draft: Registered[Draft], wanted: Section, form: Form) -> Response | None:
    values = controls.values_of(draft.value)
    before = controls.filled(wanted, values)
    controls.read_into(wanted, form, values)
    if _is_old(form, draft):
        changed = [each.label for each in wanted.controls if before.texts(each.name) != form.texts(each.name)]
        form.reject("", _told(changed))
        return None
    if form.errors:
        return None
    try:
        await desk.administration.services.save_draft(draft, controls.draft_of(values))
    except VersionConflict:
        form.reject("", _told([]))
        return None
    except InvalidRequest as error:
        form.reject(*controls.rejected(wanted, error))
        return None
    return desk.go(desk.at("services", draft.key), f"{wanted.title}: saved.")


async def _save_pairs(desk: Desk, draft: Registered[Draft], form: Form) -> Response | None:
    """Save the pairs that are ticked; those of other specialties stay as they are."""
    ticked = [tuple(each.split("/", 1)) for each in form.texts(PAIR) if "/" in each]
    of_page = form.text("specialty")
    kept = [each for each in draft.value.clinic_types if each[0] != of_page]
    values = controls.values_of(draft.value)
    values["clinic_types"] = [*kept, *(each for each in ticked if each[0] == of_page)]
    if _is_old(form, draft):
        form.reject("", _told([]))
        return None
    try:
        await desk.administration.services.save_draft(draft, controls.draft_of(values))
    except (VersionConflict, InvalidRequest) as error:
        form.reject("", said_of(error))
        return None
    return desk.go(desk.at("services", draft.key), "Clinic types: saved.")


async def _pairs_page(desk: Desk, draft: Registered[Draft], form: Form) -> Response:
    """Show the specialties, and the clinic types of the one that is chosen."""
    known = await desk.administration.services.clinic_types()
    specialties = list(dict.fromkeys((each.specialty, each.specialty_name) for each in known))
    first = draft.value.clinic_types[0][0] if draft.value.clinic_types else ""
    chosen = desk.asked("specialty") or form.text("specialty") or first
    has = {"/".join(each) for each in draft.value.clinic_types}
    return desk.page(
        "services/clinic_types.html",
        current=desk.at("services"),
        back=back_to(desk, draft),
        status=422 if form.errors else 200,
        form=form,
        version=draft.version,
        specialties=[Option("", "Choose a specialty"), *(Option(code, name) for code, name in specialties)],
        chosen=chosen,
        chosen_name=dict(specialties).get(chosen, chosen),
        options=[
            Option(f"{each.specialty}/{each.clinic_type}", each.clinic_type_name)
            for each in known
            if each.specialty == chosen
        ],
        ticked=list(form.texts(PAIR)) if form.errors else sorted(has),
        present=_named(draft.value, known),
        cancel=desk.at("services", draft.key),
    )


def _named(draft: Draft, known: Sequence[ClinicType]) -> list[str]:
    names = {(each.specialty, each.clinic_type): f"{each.clinic_type_name} ({each.specialty_name})" for each in known}
    return [names.get(each, f"{each[1]} ({each[0]}), no longer in use") for each in draft.clinic_types]


async def _options(desk: Desk, wanted: Section, draft: Draft) -> Mapping[str, Sequence[Option]]:
    """Return the options that come from the registers, by the place of their control."""
    if wanted.covers("site"):
        return {"site": await sites_of(desk, draft.organisation)}
    if not wanted.covers("clinicians"):
        return {}
    people = [each.value async for each in desk.administration.people.all(draft.organisation)]
    able = [
        Option(each.id, each.name, "" if draft.workgroup in each.workgroups else "Not in the workgroup of the service")
        for each in people
        if each.active and any(PROVIDER_CLINICIAN in role.functions for role in each.roles)
    ]
    return {"clinicians": able, "allocated_clinicians": able}


def _is_old(form: Form, draft: Registered[Draft]) -> bool:
    """Return whether the draft was saved by somebody else after the page was opened."""
    return form.text(VERSION) != str(draft.version)


def _told(changed: Sequence[str]) -> str:
    what = f" These differ from what is saved now: {in_words(list(changed))}." if changed else ""
    return f"Somebody else has saved this service since you opened the page.{what} Check what you typed, and save again"
