"""`/_test/visibility`: why a service and its slots are not found by a referrer."""

from __future__ import annotations

from starlette.requests import Request

from openers.domain.identifiers import ServiceId
from openers.usecases.administration.refusals import AdministrationRefused
from openers.usecases.services.visibility import explain
from openers.wire.admin.visibility import PARAMETERS, read_question, write_told
from openers.worlds.http.control import Offered, route
from openers.worlds.http.pages import page, wants_page
from openers.worlds.recording.world_resolver import WorldResolver
from openers.worlds.refusals import BadCall

VISIBILITY = "/_test/visibility"


def visibility_routes(finder: WorldResolver) -> list[Offered]:
    """Return the route of `/_test/visibility`, whose parameters are those of the administration and `service`."""

    async def _show(request: Request) -> object:
        asked = {name: value for name, value in request.query_params.items() if value}
        told = None if not asked and wants_page(request) else await _told(asked, finder, request)
        if wants_page(request):
            filled = {name: asked.get(name, "") for name in ("service", *PARAMETERS)}
            return page("visibility.html", request, told=told, asked=filled, parameters=PARAMETERS)
        return told

    return [route(VISIBILITY, {"GET": _show})]


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
