"""The page at `/_test/`: worlds and clocks for people, with plain forms and no script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from openers.api.http.reply import Reply, reply_of
from openers.api.http.request import Stop
from openers.api.interaction import ActiveCall
from openers.wire.dialect import Problem
from openers.worlds.http.clock_routes import ClockControl, NewTime, Stretch
from openers.worlds.http.control import HOME, RULE, ControlDialect, Offered, interaction, route
from openers.worlds.http.pages import page, root_of
from openers.worlds.http.world_routes import NewWorld, drop, everything, make
from openers.worlds.refusals import BadCall
from openers.worlds.running.kept import KeptWorlds
from openers.worlds.running.registry import Worlds

PAGE: Final = HOME


class Link(NamedTuple):
    """Another page of test mode."""

    path: str
    text: str


def page_routes(held: tuple[Worlds, KeptWorlds], clocks: ClockControl, links: Sequence[Link]) -> list[Offered]:
    """Return the routes of the page and its forms. `links` lead to other pages."""

    async def _show(request: Request) -> Response:
        told = everything(held[0])
        problem = request.query_params.get("problem", "")[:500]
        done = request.query_params.get("done", "")[:500]
        return page("worlds.html", request, told=told, links=links, problem=problem, done=done)

    async def _act(request: Request) -> Response:
        return _back("done", await _carry_out(await request.form(), held, clocks), root_of(request))

    async def _home(request: Request) -> Response:
        return RedirectResponse(f"{root_of(request)}{PAGE}", 307)

    return [
        Offered(PAGE, {"GET": _show, "POST": _act}, interaction(PageDialect())),
        route(PAGE.rstrip("/"), {"GET": _home}),
    ]


class PageDialect(ControlDialect, frozen=True):
    """Shows refusals on the page itself."""

    def refuse(self, error: Exception, call: ActiveCall) -> tuple[Problem, Reply]:
        """Redirect to the page, which shows the text; if the loop refused the call, return its reply instead."""
        problem, reply = super().refuse(error, call)
        to_see = problem.rule is RULE or not isinstance(error, Stop)
        return problem, reply_of(_back("problem", problem.diagnostics, call.world.root)) if to_see else reply


async def _carry_out(form: FormData, both: tuple[Worlds, KeptWorlds], clocks: ClockControl) -> str:
    """Apply a form; return a sentence on the result. Raises a Refusal, PackError."""
    name, act, value = (str(form.get(field) or "") for field in ("world", "act", "value"))
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


def _back(kind: str, text: str, root: str) -> Response:
    return RedirectResponse(f"{root}{PAGE}?{kind}={quote(text)}", 303)
