"""`/_test/faults`: show, set and remove the faults of a world."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse

from openers.worlds.faults.board import Fault, FaultBoard, FaultKind, Faults
from openers.worlds.http.control import Offered, read_json, route
from openers.worlds.http.pages import is_form, page, see, wants_page
from openers.worlds.recording.world_resolver import WorldResolver
from openers.worlds.refusals import BadCall

FAULTS = "/_test/faults"


class NewFaults(msgspec.Struct, forbid_unknown_fields=True):
    """The faults that replace the current ones, and the seed of their random series."""

    faults: tuple[Fault, ...]
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0


def fault_routes(finder: WorldResolver, board: FaultBoard) -> list[Offered]:
    """Return the routes of `/_test/faults`."""

    def _faults(request: Request) -> Faults:
        return board.of(finder.name(request.scope))

    async def _show(request: Request) -> object:
        faults = _faults(request)
        if wants_page(request):
            return page("faults.html", request, in_force=faults.in_force, seed=faults.seed, kinds=tuple(FaultKind))
        return _told(faults)

    async def _replace(request: Request) -> object:
        wanted = await read_json(request, NewFaults)
        _faults(request).replace(wanted.faults, wanted.seed)
        return _told(_faults(request))

    async def _add(request: Request) -> object:
        if is_form(request):
            return _by_form(request, await request.form(), _faults(request))
        _faults(request).add(await read_json(request, Fault))
        return _told(_faults(request))

    async def _clear(request: Request) -> object:
        _faults(request).replace(())
        return _told(_faults(request))

    return [route(FAULTS, {"GET": _show, "PUT": _replace, "POST": _add, "DELETE": _clear})]


def _told(faults: Faults) -> object:
    told = [{**msgspec.to_builtins(each.fault), "struck": each.struck, "left": each.left} for each in faults.in_force]
    return {"seed": faults.seed, "faults": told}


def _by_form(request: Request, form: FormData, faults: Faults) -> RedirectResponse:
    """Apply a form of the page. Raises BadCall."""
    if form.get("act") == "clear":
        faults.replace(())
    else:
        faults.add(_of_form(form))
    return see(request, FAULTS)


def _of_form(form: FormData) -> Fault:
    """Return the fault that a form describes. Raises BadCall."""
    given: dict[str, object] = {name: str(value).strip() for name, value in form.items() if str(value).strip()}
    for name in ("operations", "services"):
        if name in given:
            given[name] = [each.strip() for each in str(given[name]).split(",") if each.strip()]
    given["after"] = "after" in given
    given.pop("act", None)
    try:
        return msgspec.convert(given, Fault, strict=False)
    except msgspec.ValidationError as error:
        raise BadCall(str(error)) from error
