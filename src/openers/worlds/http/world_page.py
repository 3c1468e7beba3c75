"""The page at `/_test/`: worlds and clocks for people, with plain forms and no script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from openers.api.http.reply import Reply, reply_of
from openers.api.http.request import Stop
from openers.api.interaction import ActiveCall
from openers.wire.dialect import Problem
from openers.worlds.http.clock_routes import ClockControl, NewTime, Stretch
from openers.worlds.http.control import HOME, RULE, ControlDialect, Offered, held_of, interaction, route
from openers.worlds.http.pages import page, root_of
from openers.worlds.http.world_routes import Described, NewWorld, drop, everything, make
from openers.worlds.packs import PackError
from openers.worlds.refusals import BadCall, CantBeMade, Refusal
from openers.worlds.running.kept import KeptWorlds
from openers.worlds.running.registry import Worlds
from openers_web.dates import moment_in_words
from openers_web.parts.forms import Field, hidden
from openers_web.parts.tables import Cell, Column, Row, table

PAGE: Final = HOME
MOST_SHOWN: Final = 50
"""Worlds of the page; the latest ones are shown."""
LONGEST_SHOWN: Final = 500
"""Characters of a text in the address that the page shows."""
CONSEQUENCES: Final = {
    "load": ("Load pack into world", "The pack replaces everything in this world. This cannot be undone."),
    "restore": (
        "Restore snapshot in world",
        "Everything in this world is replaced by the snapshot. This cannot be undone.",
    ),
    "reset": ("Reset world", "Everything that happened in this world is deleted. This cannot be undone."),
    "drop": ("Delete world", "This world and everything in it is deleted. This cannot be undone."),
}
"""The acts that delete: the text of their button, and what they do."""


def page_routes(both: tuple[Worlds, KeptWorlds], clocks: ClockControl) -> list[Offered]:
    """Return the routes of the page and its forms. An act that deletes is confirmed on a page of its own."""
    worlds = both[0]

    async def _show(request: Request) -> Response:
        return _page(request, worlds)

    async def _act(request: Request) -> Response:
        form = await request.form()
        if form.get("act") in CONSEQUENCES and form.get("confirmed") != "yes":
            return _confirmation(request, form, worlds.main.world.root)
        try:
            done = await _carry_out(form, both, clocks)
        except PackError as error:
            raise _of_form(CantBeMade(str(error)), form) from error
        except Refusal as error:
            raise _of_form(error, form) from error
        return _back(root_of(request), done=done)

    async def _home(request: Request) -> Response:
        return RedirectResponse(f"{root_of(request)}{PAGE}", 307)

    return [
        Offered(PAGE, {"GET": _show, "POST": _act}, interaction(PageDialect())),
        route(PAGE.rstrip("/"), {"GET": _home}),
    ]


def _page(request: Request, worlds: Worlds) -> Response:
    """Return the page. The form that was refused holds what was sent, and its error."""
    told, asked = everything(worlds), {name: text[:LONGEST_SHOWN] for name, text in request.query_params.items()}
    name, problem, at = held_of(request).name, asked.get("problem", ""), asked.get("act", "")

    def field(act: str, label: str, value: str = "") -> Field:
        is_refused = act == at and bool(problem)
        sent = asked.get("value", "") if is_refused else value
        return Field("value", label, sent, error=problem if is_refused else "", id=act)

    shown = sorted(told.worlds[-MOST_SHOWN:], key=lambda each: each.name != name)
    return page(
        "worlds.html",
        request,
        told=told,
        chosen=next(each for each in told.worlds if each.name == name),
        worlds_table=_table(shown, name),
        hidden_worlds=len(told.worlds) - len(shown),
        field=field,
        errors={at: problem} if problem else {},
        done=asked.get("done", ""),
    )


def _table(worlds: Sequence[Described], chosen: str) -> Markup:
    columns = (Column("World"), Column("Pack"), Column("Its time"), Column("Clock", "short"))
    rows = [
        Row(
            (
                Cell(each.name, _about(each, chosen), f"{urlsplit(each.base_url).path}{PAGE}"),
                each.pack,
                moment_in_words(each.now),
                "runs" if each.running else "is stopped",
            ),
            current=each.name == chosen,
        )
        for each in worlds
    ]
    return table("Worlds", columns, rows)


def _about(world: Described, chosen: str) -> str:
    """Return what kind of world it is, and whether the page is about it."""
    return ", ".join(text for text, holds in (("shown here", world.name == chosen), ("kept", world.kept)) if holds)


def _confirmation(request: Request, form: FormData, main: str) -> Response:
    """Return the page that asks before an act that deletes; `main` is the path of the main world's address."""
    world, act, value = _sent(form)
    text, consequence = CONSEQUENCES[act]
    sent = {"world": world, "act": act, "value": value, "confirmed": "yes"}
    fields = Markup("").join(hidden(name, each) for name, each in sent.items())
    shown: dict[str, Any] = {"question": f"{text} {world}?", "consequence": consequence, "act": text, "fields": fields}
    here = f"{root_of(request)}{PAGE}"
    to = f"{main}{PAGE}" if act == "drop" else here  # a world that serves the request cannot be deleted
    return page("kit/confirm.html", request, action=to, cancel=here, **shown)


class PageDialect(ControlDialect, frozen=True):
    """Shows refusals on the page itself."""

    def refuse(self, error: Exception, call: ActiveCall) -> tuple[Problem, Reply]:
        """Redirect to the page, which shows the text; if the loop refused the call, return its reply instead."""
        problem, reply = super().refuse(error, call)
        if problem.rule is not RULE and isinstance(error, Stop):
            return problem, reply
        told = {"problem": problem.diagnostics}
        if isinstance(error.__cause__, Refusal):
            told |= error.__cause__.form
        return problem, reply_of(_back(call.world.root, **told))


def _of_form(error: Refusal, form: FormData) -> Refusal:
    """Return the error with the form that it refuses."""
    _, act, value = _sent(form)
    error.form = {"act": act[:40], "value": value[:LONGEST_SHOWN]}
    return error


def _sent(form: FormData) -> tuple[str, str, str]:
    """Return the world, the act and its value."""
    world, act, value = (str(form.get(field) or "") for field in ("world", "act", "value"))
    return world, act, value


async def _carry_out(form: FormData, both: tuple[Worlds, KeptWorlds], clocks: ClockControl) -> str:
    """Apply a form; return a sentence on the result. Raises a Refusal, PackError."""
    name, act, value = _sent(form)
    worlds = both[0]
    if act == "fork":
        return f"World {(await make(both, NewWorld(value, source=name))).name} was forked from {name}."
    held = worlds.named(name)
    match act:
        case "advance":
            shown = await clocks.advance(held, Stretch(days=_days(value)))
            failed = sum(each.failed is not None for each in shown.ran)
            return f"The clock of {name} advanced by {value} days: {len(shown.ran)} jobs ran, {failed} failed."
        case "freeze" | "run":
            await clocks.set(held, NewTime(running=act == "run"))
            return f"The clock of {name} {'runs' if act == 'run' else 'is stopped'}."
        case "load":
            await worlds.load(held, value)
            return f"World {name} was loaded with pack {value}."
        case "snapshot":
            await worlds.snapshot(held, value)
            return f"Snapshot {value} of world {name} was saved."
        case "restore":
            await worlds.restore(held, value)
            return f"World {name} was restored from snapshot {value}."
        case "reset":
            await worlds.reset(held)
            return f"World {name} was reset."
        case "drop":
            await drop(both, name)
            return f"World {name} was deleted."
        case _:
            raise BadCall(f"Unknown action {act[:40]!r}")


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= 3660):
        raise BadCall("Give a number of days from 1 to 3660")
    return int(text)


def _back(root: str, **told: str) -> Response:
    """Redirect to the page, which shows what is told: what was done, or the problem and the form."""
    return RedirectResponse(f"{root}{PAGE}?{urlencode(told)}", 303)
