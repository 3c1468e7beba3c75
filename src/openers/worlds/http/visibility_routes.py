"""`/_test/visibility`: why a service and its slots are not found by a referrer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request

from openers.domain.identifiers import ServiceId
from openers.usecases.administration.refusals import AdministrationRefused
from openers.usecases.services.visibility import explain
from openers.wire.admin.visibility import PARAMETERS, read_question, write_told
from openers.worlds.http.control import Offered, route
from openers.worlds.http.pages import page, wants_page
from openers.worlds.recording.world_resolver import WorldResolver
from openers.worlds.refusals import BadCall
from openers_web.parts.forms import Field
from openers_web.parts.tables import Row

VISIBILITY = "/_test/visibility"
SERVICE = "Number of the service"


def visibility_routes(finder: WorldResolver) -> list[Offered]:
    """Return the route of `/_test/visibility`, whose parameters are those of the administration and `service`.

    Without parameters, it names them.
    """

    async def _show(request: Request) -> object:
        asked = {name: value for name, value in request.query_params.items() if value}
        if wants_page(request):
            told, problem = None, ""
            if asked:
                try:
                    told = await _told(asked, finder, request)
                except BadCall as error:
                    problem = str(error)
            labels = {"service": SERVICE, **PARAMETERS}
            fields = [Field(name, label, asked.get(name, "")) for name, label in labels.items()]
            shown = {"told": told, "fields": fields, "slots": _slots(told), "problem": problem}
            return page("visibility.html", request, 400 if problem else 200, **shown)
        return await _told(asked, finder, request) if asked else {"parameters": {"service": SERVICE, **PARAMETERS}}

    return [route(VISIBILITY, {"GET": _show})]


def _slots(told: Mapping[str, Any] | None) -> list[Row]:
    """Return a row for each slot of an answer."""
    slots: Iterable[Mapping[str, Any]] = (told or {}).get("slots", ())
    return [Row((each["id"], each["start"], "yes" if each["shown"] else "no", _reason(each))) for each in slots]


def _reason(slot: Mapping[str, Any]) -> str:
    return ": ".join(str(slot[name]) for name in ("hidden_by", "told") if slot.get(name))


async def _told(asked: dict[str, str], finder: WorldResolver, request: Request) -> dict[str, object]:
    """Return the answer. Raises BadCall."""
    unknown = asked.keys() - {*PARAMETERS, "service"}
    if unknown:
        raise BadCall(f"{min(unknown)[:40]!r}: use service, {', '.join(PARAMETERS)}")
    number = asked.pop("service", "")
    if not ServiceId.pattern.fullmatch(number):
        raise BadCall("service: give the number of a service")
    try:
        return write_told(await explain(ServiceId(number), read_question(asked), finder.world(request.scope)))
    except AdministrationRefused as error:
        raise BadCall(f"{error.cause}; {error.cure}") from error
    except ValueError as error:
        raise BadCall(str(error)) from error
    finally:
        asked["service"] = number
