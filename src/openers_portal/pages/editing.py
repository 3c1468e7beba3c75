"""Pages of editors: all items, and one item with its versions, a preview and the checks of publishing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from openers_portal.pages.interest import link
from openers_portal.rules.interest import announcement
from openers_portal.rules.items import CONDITIONS, Change, Item, Kind, State, faults
from openers_portal.rules.mail import Link
from openers_portal.store.items import Also, Edit, Outdated, Version
from openers_portal.store.mails import NOTICE
from openers_portal.visitor import NotHere, Visitor
from openers_web.form import Form

NEW: Final = "new"
ACTS: Final = {"draft": State.DRAFT, "publish": State.PUBLISHED, "withdraw": State.WITHDRAWN}
SAID: Final = {
    State.DRAFT: "The draft is saved. Only editors see it.",
    State.PUBLISHED: "Published.",
    State.WITHDRAWN: "Withdrawn. Only editors see it now.",
}
PREVIEW: Final = "preview"
LONGEST_NUMBER: Final = 10
"""Digits of a version."""


async def items(me: Visitor) -> Response:
    """Show all items with the state of their latest version."""
    return me.show("edit_items.html", {"items": await me.store.items.latest(), "kinds": list(Kind)})


async def edit(me: Visitor) -> Response:
    """Show an item and its versions; save, publish or withdraw it. Raises NotHere."""
    id = "" if me.part("item") == NEW else me.part("item")
    versions: Sequence[Version] = await me.store.items.versions(id) if id else ()
    if id and not versions:
        raise NotHere
    kind = versions[0].kind if versions else _kind(me.asked("kind"))
    form = await me.form()
    shown = _item(form) if me.is_sent else (versions[0].item if versions else Item(title="", text=""))
    act = form.text("act")
    if me.is_sent and act in ACTS:
        reply = await _saved(me, form, shown, (id, kind, ACTS[act]))
        if reply is not None:
            return reply
    data = {
        "kind": kind,
        "item": shown,
        "versions": versions,
        "preview": act == PREVIEW,
        "environments": [each.name for each in me.house.settings.environments],
        "conditions": CONDITIONS,
        "changes": list(Change),
    }
    return me.show("edit_item.html", data, form=form)


async def _saved(me: Visitor, form: Form, item: Item, wanted: tuple[str, Kind, State]) -> Response | None:
    """Store a version and return the way to it; `None` if the form has errors now."""
    id, kind, state = wanted
    if state is State.PUBLISHED:
        for field, error in faults(kind, item, me.today).items():
            form.reject(field, error)
    if not item.title:
        form.reject("title", "Enter a title")
    if form.errors:
        return None
    seen = form.text("version")
    version = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < LONGEST_NUMBER else 0
    edit = Edit(me.name, version)
    if (kind, state) == (Kind.NOTICE, State.PUBLISHED):
        edit = edit._replace(also=_announces(me, item))
    try:
        saved = await me.store.items.save(id, kind, item, state, edit)
    except Outdated:
        form.reject("", "Another editor has saved a newer version. Open the item again, and repeat your change")
        return None
    return me.go(f"/edit/{saved.id}", SAID[state])


def _announces(me: Visitor, item: Item) -> Also:
    """Return what stores a message about a notice for each person on the interest list, once for all its versions."""

    def _announce(db: Connection, id: str) -> None:
        page = f"{me.house.settings.base_url}/notices/{id}"
        for each in me.store.interests.on_list(db):
            mail = announcement(each.interest, item.title, page, link(me, Link.LEAVE, each.id))
            me.store.mails.add(db, mail, f"{NOTICE} {id} {each.id}")

    return _announce


def _item(form: Form) -> Item:
    change = form.text("change")
    return Item(
        title=form.text("title")[:200],
        text=form.text("text"),
        on=_day(form),
        change=Change(change) if change in tuple(Change) else None,
        environment=form.text("environment")[:40],
        condition=form.text("condition")[:40],
    )


def _day(form: Form) -> date | None:
    """Return the day of the form; record an error if it is none."""
    text = form.text("on")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        form.reject("on", "Enter a day, such as 2026-12-31")
        return None


def _kind(text: str) -> Kind:
    return Kind(text) if text in tuple(Kind) else Kind.NEWS
