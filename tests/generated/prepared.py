"""The demo world before each example: for each operation a fork in which the request of its example succeeds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from openers.api.examples import Example, example_name
from openers.api.operation import Operation
from openers.api.registry import all_operations
from tests.kit.examples.recorder import SEED, Recorder, stop_at_noon
from tests.kit.examples.stories import STORIES
from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.service.running import GP, Person
from tests.kit.service.worlds import Rig

TENANT: Final = "X-OpenERS-Tenant"
Headers = dict[str, str]


class Remote(Rig):
    """Calls of the control plane of a service that is reached by HTTP."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        """Store the client."""
        self.http, self.tokens = http, {}

    async def fork_if_new(self, world: str) -> None:
        """Create nothing: the worlds are created where they are needed."""


@dataclass
class Before(Recorder):
    """Makes the requests of a story, and forks its world before each example, with the log-in of its person."""

    headers: dict[str, Headers] = field(default_factory=dict[str, Headers])

    async def example(self, name: str, title: str, path: str, who: Person = GP, **more: Any) -> httpx.Response:
        """Fork the world, then make the request."""
        begun = await self.rig.control("POST", "/sessions", {"user": who.user}, self.world)
        fork = f"before-{name}"
        await self.rig.control("POST", "/worlds", {"name": fork, "from": self.world})
        self.headers[name] = {TENANT: fork, "Authorization": f"Bearer {begun['access_token']}"}
        return await super().example(name, title, path, who, **more)


async def prepared(base_url: str) -> dict[str, Headers]:
    """Return the headers that send each operation's example, by operationId, to its fork."""
    headers: dict[str, Headers] = {}
    examples: dict[str, Example] = {}
    async with httpx.AsyncClient(base_url=base_url, timeout=HANGS_AFTER_S) as http:
        rig = Remote(http)
        await stop_at_noon(rig)
        for story in STORIES:
            await rig.control("POST", "/worlds", {"name": story.__name__, "seed": SEED})
            await story(Before(rig, story.__name__, examples, headers=headers))
    return {each.operation_id: headers[example_name(each)] for each in all_operations()}


async def copied(base_url: str, headers: dict[str, Headers], prefix: str) -> dict[str, Headers]:
    """Fork each of the forks again under a prefix, so that one user of them leaves them as they were for the next."""
    found: dict[str, Headers] = {}
    async with httpx.AsyncClient(base_url=base_url, timeout=HANGS_AFTER_S) as http:
        for operation, sent in headers.items():
            fork = f"{prefix}-{sent[TENANT]}"
            await Remote(http).control("POST", "/worlds", {"name": fork, "from": sent[TENANT]})
            found[operation] = {**sent, TENANT: fork}
    return found


def by_summary(headers: dict[str, Headers]) -> dict[str, Headers]:
    """Return the headers by the summaries of the operations, which a Postman collection shows."""
    return {summary_of(each): headers[each.operation_id] for each in all_operations()}


def summary_of(operation: Operation) -> str:
    """Return the summary of an operation in our OpenAPI document."""
    return f"{operation.id}: {operation.summary}"
