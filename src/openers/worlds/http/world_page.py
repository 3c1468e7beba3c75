"""The page at `/_test/`: worlds and clocks for people, by plain forms, without any script."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from openers.api.http.reply import Reply, reply_of
from openers.api.http.request import Stop
from openers.api.interaction import ActiveCall
from openers.wire.dialect import Problem
from openers.worlds.http.clock_routes import ClockControl, NewTime
from openers.worlds.http.control import HOME, RULE, ControlDialect, Offered, interaction, route
from openers.worlds.http.pages import page
from openers.worlds.http.world_routes import NewWorld, everything, make
from openers.worlds.refusals import BadCall
from openers.worlds.running.registry import Worlds

PAGE: Final = HOME


class Link(NamedTuple):
    """Another page of test mode."""

    path: str
    text: str


def page_routes(worlds: Worlds, clocks: ClockControl, links: Sequence[Link]) -> list[Offered]:
    """The page, and what its forms do. `links` lead to other pages."""

    async def _show(request: Request) -> Response:
        told = everything(worlds)
        problem = request.query_params.get("problem", "")[:500]
        done = request.query_params.get("done", "")[:500]
        return page("worlds.html", told=told, links=links, problem=problem, done=done)

    async def _act(request: Request) -> Response:
        return _back("done", await _carry_out(await request.form(), worlds, clocks))

    async def _home(_request: Request) -> Response:
        return RedirectResponse(PAGE, 307)

    return [
        Offered(PAGE, {"GET": _show, "POST": _act}, interaction(PageDialect())),
        route(PAGE.rstrip("/"), {"GET": _home}),
    ]


class PageDialect(ControlDialect, frozen=True):
    """What can't be done, told on the page itself."""

    def refuse(self, error: Exception, call: ActiveCall) -> tuple[Problem, Reply]:
        """Back to the page, which shows the sentence; who is not to see the page gets no way there."""
        problem, reply = super().refuse(error, call)
        to_see = problem.rule is RULE or not isinstance(error, Stop)
        return problem, reply_of(_back("problem", problem.diagnostics)) if to_see else reply


async def _carry_out(form: FormData, worlds: Worlds, clocks: ClockControl) -> str:
    """Do what a form asks for; a sentence on what was done. Raises a Refusal, PackError."""
    name, act, value = (str(form.get(field) or "") for field in ("world", "act", "value"))
    if act == "fork":
        return f"World {(await make(worlds, NewWorld(value, source=name))).name} was forked from {name}."
    held = worlds.named(name)
    match act:
        case "advance":
            shown = await clocks.advance(held, timedelta(days=_days(value)))
            failed = sum(each.failed is not None for each in shown.ran)
            return f"World {name} lived through {value} days: {len(shown.ran)} pieces of work ran, {failed} failed."
        case "freeze" | "run":
            await clocks.set(held, NewTime(running=act == "run"))
            return f"The clock of {name} {'runs' if act == 'run' else 'stands still'}."
        case "load":
            await worlds.load(held, value)
            return f"World {name} was loaded with {value}."
        case "snapshot":
            await worlds.snapshot(held, value)
            return f"Snapshot {value} of world {name} was kept."
        case "restore":
            await worlds.restore(held, value)
            return f"World {name} is again as in snapshot {value}."
        case "reset":
            await worlds.reset(held)
            return f"World {name} is again as it began."
        case "drop":
            await worlds.drop(name)
            return f"World {name} was dropped."
        case _:
            raise BadCall(f"There is no act {act[:40]!r}")


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= 3660):
        raise BadCall("Give a number of days from 1 to 3660")
    return int(text)


def _back(kind: str, text: str) -> Response:
    return RedirectResponse(f"{PAGE}?{kind}={quote(text)}", 303)
