"""`/_test/faults`: the faults of a world, shown, ordered and taken away."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openers.worlds.faults import Fault, FaultBoard, FaultRefused, Faults, Kind
from openers.worlds.finder import Finder
from openers.worlds.http.control import (
    ControlRefused,
    is_form,
    json_reply,
    page,
    read_form,
    read_json,
    route,
    wants_page,
)

FAULTS = "/_test/faults"


class NewFaults(msgspec.Struct, forbid_unknown_fields=True):
    """The faults to be in force from now on, and the seed of their chances."""

    faults: tuple[Fault, ...]
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0


def fault_routes(finder: Finder, board: FaultBoard) -> list[Route]:
    """`/_test/faults`."""

    def _faults(request: Request) -> Faults:
        return board.of(finder.name(request.scope))

    async def _show(request: Request) -> Response:
        faults = _faults(request)
        if wants_page(request):
            return page("faults.html", in_force=faults.in_force, seed=faults.seed, kinds=tuple(Kind))
        return _told(faults)

    async def _replace(request: Request) -> Response:
        wanted = await read_json(request, NewFaults)
        try:
            _faults(request).replace(wanted.faults, wanted.seed)
        except FaultRefused as error:
            raise ControlRefused(422, str(error)) from error
        return _told(_faults(request))

    async def _add(request: Request) -> Response:
        by_form = is_form(request)
        form = await read_form(request) if by_form else None
        if form is not None and form.get("act") == "clear":
            _faults(request).replace(())
        else:
            fault = await read_json(request, Fault) if form is None else _of_form(form)
            try:
                _faults(request).add(fault)
            except FaultRefused as error:
                raise ControlRefused(422, str(error)) from error
        return RedirectResponse(FAULTS, 303) if by_form else _told(_faults(request))

    async def _clear(request: Request) -> Response:
        _faults(request).replace(())
        return _told(_faults(request))

    return [route(FAULTS, {"GET": _show, "PUT": _replace, "POST": _add, "DELETE": _clear})]


def _told(faults: Faults) -> Response:
    told = [{**msgspec.to_builtins(each.fault), "struck": each.struck, "left": each.left} for each in faults.in_force]
    return json_reply({"seed": faults.seed, "faults": told})


def _of_form(form: FormData) -> Fault:
    """The fault that a form describes. Raises ControlRefused."""
    given: dict[str, object] = {name: str(value).strip() for name, value in form.items() if str(value).strip()}
    for name in ("operations", "services"):
        if name in given:
            given[name] = [each.strip() for each in str(given[name]).split(",") if each.strip()]
    given["after"] = "after" in given
    given.pop("act", None)
    try:
        return msgspec.convert(given, Fault, strict=False)
    except msgspec.ValidationError as error:
        raise ControlRefused(422, str(error)) from error
