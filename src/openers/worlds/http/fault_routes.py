"""`/_test/faults`: show, set and remove the faults of a world."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from openers.worlds.faults.board import LONGEST_MS, Fault, FaultBoard, FaultKind, FaultRefused, Faults
from openers.worlds.http.control import Offered, read_json, route
from openers.worlds.http.pages import is_form, page, see, wants_page
from openers.worlds.recording.world_resolver import WorldResolver
from openers.worlds.refusals import BadCall
from openers_web.form import BadForm, Form, parse_form
from openers_web.parts.forms import Option
from openers_web.parts.tables import Column, Row, table

FAULTS: Final = "/_test/faults"
FIELDS: Final = ("kind", "operations", "services", "share", "count", "ms", "after")
CURES: Final = {
    "kind": "Choose a kind of the list",
    "operations": "Give at most 100 operations",
    "services": "Give at most 100 services",
    "share": "Give a number from 0 to 1, for example 0.5",
    "count": "Give a whole number of hits, 1 or more",
    "ms": f"Give a whole number of milliseconds, 0 to {LONGEST_MS}",
}
"""What to do about a field of the form that cannot be read."""


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
            return _page(request, faults, Form())
        return _told(faults)

    async def _replace(request: Request) -> object:
        wanted = await read_json(request, NewFaults)
        _faults(request).replace(wanted.faults, wanted.seed)
        return _told(_faults(request))

    async def _add(request: Request) -> object:
        if is_form(request):
            return await _by_form(request, _faults(request))
        _faults(request).add(await read_json(request, Fault))
        return _told(_faults(request))

    async def _clear(request: Request) -> object:
        _faults(request).replace(())
        return _told(_faults(request))

    return [route(FAULTS, {"GET": _show, "PUT": _replace, "POST": _add, "DELETE": _clear})]


def _told(faults: Faults) -> object:
    told = [{**msgspec.to_builtins(each.fault), "struck": each.struck, "left": each.left} for each in faults.in_force]
    return {"seed": faults.seed, "faults": told}


def _page(request: Request, faults: Faults, form: Form) -> Response:
    """Return the page, with the form as it was sent and its errors."""
    status = 400 if form.errors else 200
    return page(
        "faults.html",
        request,
        status,
        active=_table(faults),
        any=bool(faults.in_force),
        seed=faults.seed,
        kinds=[str(kind) for kind in FaultKind],
        field=form.field,
        errors=form.errors,
        after_options=[Option("on", "Do the work first, then lose the reply")],
        after_chosen=form.texts("after"),
    )


def _table(faults: Faults) -> Markup:
    columns = (
        *(Column("Kind"), Column("Operations"), Column("Services"), Column("Share", "number")),
        *(Column("Waits", "number"), Column("Hits", "number"), Column("Left", "number")),
    )
    rows = [
        Row(
            (
                f"{each.fault.kind}{', after the work' if each.fault.after else ''}",
                ", ".join(each.fault.operations) or "all",
                ", ".join(each.fault.services) or "all",
                str(each.fault.share),
                f"{each.fault.waits_s} s",
                str(each.struck),
                "unlimited" if each.left is None else str(each.left),
            )
        )
        for each in faults.in_force
    ]
    return table("Active faults", columns, rows, empty="No faults are active.")


async def _by_form(request: Request, faults: Faults) -> Response:
    """Apply a form of the page; show it again with its error if it is wrong. Raises BadCall if it is no form."""
    try:
        form = parse_form(await request.body())
    except BadForm as error:
        raise BadCall(str(error)) from error
    if form.text("act") == "clear":
        faults.replace(())
        return see(request, FAULTS)
    try:
        faults.add(_of_form(form))
    except msgspec.ValidationError as error:
        name = str(error).partition(" - at ")[2].strip("`$.").partition("[")[0] or "kind"
        form.reject(name, CURES[name])
        return _page(request, faults, form)
    except FaultRefused as error:
        name, _, text = error.text.partition(": ")
        form.reject(name if name in FIELDS else "", text if name in FIELDS else error.text)
        return _page(request, faults, form)
    return see(request, FAULTS)


def _of_form(form: Form) -> Fault:
    """Return the fault that a form describes. Raises msgspec.ValidationError."""
    given: dict[str, object] = {name: form.text(name) for name in ("kind", "share", "count", "ms") if form.text(name)}
    for name in ("operations", "services"):
        given[name] = [each.strip() for each in form.text(name).split(",") if each.strip()]
    return msgspec.convert({**given, "after": bool(form.text("after"))}, Fault, strict=False)
