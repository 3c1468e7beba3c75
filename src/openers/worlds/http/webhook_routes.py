"""`/_test/webhooks`: register an address for events, read its state, replay events, remove it."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from starlette.requests import Request

from openers.domain.webhooks import Webhook
from openers.usecases.events.webhooks import LAST_NUMBER, InvalidRegistration, Registration, register, remove, replay
from openers.worlds.http.control import Offered, bound, json_reply, read_json, route
from openers.worlds.http.pages import page, wants_page
from openers.worlds.recording.world_resolver import WorldResolver
from openers.worlds.refusals import BadCall, Unknown
from openers_web.parts.tables import Row

WEBHOOKS: Final = "/_test/webhooks"


class WebhookRefused(BadCall):
    """An invalid webhook registration."""


class Replay(msgspec.Struct, forbid_unknown_fields=True):
    """The first event to send again; all later ones follow."""

    first: Annotated[int, msgspec.Meta(ge=1, le=LAST_NUMBER)] = msgspec.field(name="from")


def webhook_routes(finder: WorldResolver) -> list[Offered]:
    """Return the routes of `/_test/webhooks` and below."""

    async def _list(request: Request) -> object:
        async with finder.world(request.scope).read() as tx:
            known = await tx.webhooks.all()
        if wants_page(request):
            rows = [Row((each.id, each.url, str(each.sent), each.problem or "none")) for each in known]
            return page("webhooks.html", request, webhook_rows=rows)
        return {"webhooks": [_told(each) for each in known]}

    async def _register(request: Request) -> object:
        wanted = await read_json(request, Registration)
        try:
            webhook = await register(wanted, bound(finder.world(request.scope), request, WEBHOOKS))
        except InvalidRegistration as refusal:
            raise WebhookRefused(str(refusal)) from refusal
        return json_reply({**_told(webhook), "secret": webhook.secret}, 201)

    async def _one(request: Request) -> object:
        name = _name(request)
        async with finder.world(request.scope).read() as tx:
            webhook = await tx.webhooks.get(name)
        return _reply(webhook, name)

    async def _remove(request: Request) -> object:
        name = _name(request)
        if not await remove(name, bound(finder.world(request.scope), request, WEBHOOKS)):
            raise _unknown(name)
        return {"removed": name}

    async def _replay(request: Request) -> object:
        name, wanted = _name(request), await read_json(request, Replay)
        return _reply(await replay(name, wanted.first, bound(finder.world(request.scope), request, WEBHOOKS)), name)

    return [
        route(WEBHOOKS, {"GET": _list, "POST": _register}),
        route(f"{WEBHOOKS}/{{name}}", {"GET": _one, "DELETE": _remove}),
        route(f"{WEBHOOKS}/{{name}}/replay", {"POST": _replay}),
    ]


def _name(request: Request) -> str:
    return str(request.path_params["name"])


def _reply(webhook: Webhook | None, name: str) -> object:
    if webhook is None:
        raise _unknown(name)
    return _told(webhook)


def _unknown(name: str) -> Unknown:
    return Unknown(f"{name!r}: there is no such webhook")


def _told(webhook: Webhook) -> dict[str, Any]:
    """Return a webhook without its secret, which only the reply to its registration contains."""
    return {"id": webhook.id, "url": webhook.url, "sent": webhook.sent, "problem": webhook.problem}
