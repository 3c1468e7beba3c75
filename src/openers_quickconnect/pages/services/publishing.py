"""Check and publish, hide, end, copy and discard a service, and its versions."""

from __future__ import annotations

from datetime import date
from typing import Final

from starlette.responses import Response

from openers_client import InvalidRequest, VersionConflict
from openers_client.administration import Draft, Registered
from openers_quickconnect.desk import Desk
from openers_quickconnect.pages.services.sections import section_of, told
from openers_quickconnect.pages.services.service import back_to, live_of
from openers_quickconnect.pages.services.shown import differences
from openers_quickconnect.problems import said_of
from openers_web.dates import day_of
from openers_web.form import Form

MOST_VERSIONS: Final = 10
LONGEST_NAME: Final = 255
CHANGED_MEANWHILE: Final = "Somebody else has saved this service meanwhile. Look at what publishing changes now"


async def publish(desk: Desk) -> Response:
    """Show what the checks find and what publishing changes, and publish."""
    number = desk.part("service")
    register = desk.administration.services
    draft, form = await register.read_draft(number), await desk.form()
    if desk.is_sent:
        if form.text("version") != str(draft.version):
            form.reject("", CHANGED_MEANWHILE)
        else:
            try:
                live = await register.publish(number, draft if draft.version else None)
            except VersionConflict:
                form.reject("", CHANGED_MEANWHILE)
            except InvalidRequest as error:
                form.reject("", said_of(error))
            else:
                said = f"{live.value.name} is published in version {live.version}. Referrers find it now."
                return desk.go(desk.at("services", number), said)
    checked, live = await register.check(number), await live_of(desk, number)
    found = differences(await register.differences(number)) if live is not None else []
    findings = [
        (
            told(each),
            each.kind == "warning",
            desk.at("services", number, "sections", section_of(each.place).name),
            section_of(each.place).title,
        )
        for each in checked.findings
    ]
    return desk.page(
        "services/publish.html",
        current=desk.at("services"),
        back=back_to(desk, draft),
        status=422 if form.errors else 200,
        form=form,
        draft=draft.value,
        version=draft.version,
        live_version=0 if live is None else live.version,
        is_hidden=live is not None and live.value.status != "PUBLISHED",
        publishable=checked.publishable,
        findings=findings,
        differences=found,
    )


async def hide(desk: Desk) -> Response:
    """Ask, and hide the service from searches."""
    number = desk.part("service")
    draft = await desk.administration.services.read_draft(number)
    form = await desk.form()
    if desk.is_sent:
        await desk.administration.services.unpublish(number)
        return desk.go(desk.at("services", number), f"{draft.value.name} is hidden. Its referrals stay.")
    consequence = "Referrers do not find it any more. Its referrals, appointments and this draft stay."
    return _asked(desk, draft, form, title=f"Hide {draft.value.name}?", act="Hide", consequence=consequence)


async def discard(desk: Desk) -> Response:
    """Ask, and discard what is saved but not published."""
    number = desk.part("service")
    draft = await desk.administration.services.read_draft(number)
    form = await desk.form()
    is_new = draft.value.base == 0
    if desk.is_sent:
        try:
            await desk.administration.services.discard_draft(number)
        except InvalidRequest as error:
            form.reject("", said_of(error))
        else:
            return desk.go(desk.at("services") if is_new else desk.at("services", number), "The draft is discarded.")
    consequence = "The service vanishes." if is_new else "The draft becomes equal to what referrers see now."
    return _asked(desk, draft, form, title="Discard the draft?", act="Discard", consequence=consequence)


async def end(desk: Desk) -> Response:
    """Ask for the last day of the service, and set it."""
    number = desk.part("service")
    draft = await desk.administration.services.read_draft(number)
    form = await desk.form()
    if desk.is_sent and (day := _day(form)) is not None:
        try:
            await desk.administration.services.end_on(number, day)
        except InvalidRequest as error:
            form.reject("on", said_of(error))
        else:
            return desk.go(desk.at("services", number), "The last day is set.")
    return _asked(
        desk,
        draft,
        form,
        title=f"End {draft.value.name}",
        act="Set the last day",
        consequence="Referrers find it up to this day. Its referrals stay.",
        asks="day",
    )


async def copy(desk: Desk) -> Response:
    """Ask for the name of a copy, and save it as a new draft."""
    number = desk.part("service")
    draft = await desk.administration.services.read_draft(number)
    form = await desk.form()
    if desk.is_sent and (name := form.required("name", "Enter the name of the copy", LONGEST_NAME)) and not form.errors:
        try:
            made = await desk.administration.services.copy(number, name)
        except InvalidRequest as error:
            form.reject("name", said_of(error))
        else:
            return desk.go(desk.at("services", made.key), "The copy is saved as a draft.")
    return _asked(
        desk,
        draft,
        form,
        title=f"Copy {draft.value.name}",
        act="Copy",
        consequence="The copy is a draft with another number. It has no PAS until you link it.",
        asks="name",
    )


async def versions(desk: Desk) -> Response:
    """Show what each of the last versions changed."""
    number = desk.part("service")
    register = desk.administration.services
    draft = await register.read_draft(number)
    numbers = (await register.versions(number))[:MOST_VERSIONS]
    shown = [
        (each, differences(await register.differences(number, each - 1, each)) if each > 1 else None)
        for each in numbers
    ]
    return desk.page(
        "services/versions.html",
        current=desk.at("services"),
        back=back_to(desk, draft),
        draft=draft.value,
        versions=shown,
    )


def _asked(desk: Desk, draft: Registered[Draft], form: Form, **shown: str) -> Response:
    """Show the page that asks before an act."""
    return desk.page(
        "services/act.html",
        current=desk.at("services"),
        back=back_to(desk, draft),
        status=422 if form.errors else 200,
        form=form,
        born=[form.text(f"on-{part}") for part in ("day", "month", "year")],
        cancel=desk.at("services", draft.key),
        **{"asks": "", **shown},
    )


def _day(form: Form) -> date | None:
    try:
        return day_of(*(form.text(f"on-{part}") for part in ("year", "month", "day")))
    except ValueError:
        form.reject("on", "Enter a day, for example 27 3 2031")
        return None
