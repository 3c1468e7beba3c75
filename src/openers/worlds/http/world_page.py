"""The page at `/_test/`: worlds and clocks for people, by plain forms, without any script."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openers.domain.errors import OpenersError
from openers.worlds.http.clock_routes import ClockControl, NewTime
from openers.worlds.http.control import not_available, refusing
from openers.worlds.http.pages import page
from openers.worlds.http.world_routes import NewWorld, everything, make
from openers.worlds.refusals import BadCall, Refusal
from openers.worlds.registry import Worlds

PAGE: Final = "/_test/"


class Link(NamedTuple):
    """Another page of test mode."""

    path: str
    text: str


def page_routes(worlds: Worlds, clocks: ClockControl, links: Sequence[Link]) -> list[Route]:
    """The page, and what its forms do. `links` lead to other pages."""

    async def _show(request: Request) -> Response:
        told = everything(worlds)
        problem = request.query_params.get("problem", "")[:500]
        done = request.query_params.get("done", "")[:500]
        return page("worlds.html", told=told, links=links, problem=problem, done=done)

    async def _carry_out_form(request: Request) -> str:
        return await _carry_out(await request.form(), worlds, clocks)

    async def _act(request: Request) -> Response:
        try:
            return _back("done", str(await refusing(request, _carry_out_form)))
        except Refusal as refusal:
            return _back("problem", refusal.text)
        except OpenersError as error:
            return _back("problem", not_available(error))

    async def _home(_request: Request) -> Response:
        return RedirectResponse(PAGE, 307)

    return [
        Route(PAGE, _show, methods=["GET"]),
        Route(PAGE, _act, methods=["POST"]),
        Route(PAGE.rstrip("/"), _home, methods=["GET"]),
    ]


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
