"""Records examples: makes requests in a fresh demo world whose clock is stopped, and keeps request and reply."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from openers.api.examples import Example, Reply
from openers.cli.demo import load
from tests.kit.run.project import ROOT
from tests.kit.service.running import GP, Person, settings_for
from tests.kit.service.worlds import Rig, rig

Json = dict[str, Any]
NOON: Final = "2027-03-01T12:00:00Z"
"""The instant at which the clock stands."""
SEED: Final = 1
SHOWN: Final = ("Content-Type", "ETag", "Location", "Content-Disposition")
"""Headers of replies that examples show."""
SIGNATURE: Final = re.compile(r"(?<=/files/)[^/?]+")
"""The part of an address of A042 that depends on the key of the service and the real time."""
FHIR_JSON: Final = "application/fhir+json"


def tutorial(name: str, **values: str) -> Json:
    """Return a request body of the tutorial, with `values` for the words in capitals that it has in their place."""
    text = (ROOT / f"docs/tutorial/requests/{name}.json").read_text("utf-8")
    for word, value in values.items():
        assert word in text, f"{name}.json has no {word}"
        text = text.replace(word, value)
    body: Json = json.loads(text)
    return body


@dataclass
class Recorder:
    """Makes requests in one fork of the demo world, and keeps those that are examples."""

    rig: Rig
    world: str
    examples: dict[str, Example]
    tokens: dict[str, str] = field(default_factory=dict[str, str])

    async def example(self, name: str, title: str, path: str, who: Person = GP, **more: Any) -> httpx.Response:
        """Make the request of an example and keep both. `needs` says which records it refers to."""
        needs: str | None = more.pop("needs", None)
        reply, sent = await self._send(path, who, **more)
        self.examples[name] = Example(
            title=title,
            needs=needs,
            user=who.user,
            method=reply.request.method,
            path=path,
            headers=sent,
            body=more.get("json"),
            text=more.get("content"),
            reply=_kept(reply, self.world),
        )
        return reply

    async def ask(self, path: str, who: Person = GP, **more: Any) -> Json:
        """Make a request that only prepares an example; return the JSON of its reply."""
        reply, _ = await self._send(path, who, **more)
        told: Json = reply.json()
        return told

    async def run_due(self) -> None:
        """Do the work that is due: polls of slots and scans of files."""
        await self.rig.control("POST", "/clock/advance", world=self.world)

    async def _send(
        self, path: str, who: Person, method: str = "GET", headers: Mapping[str, str] | None = None, **body: Any
    ) -> tuple[httpx.Response, dict[str, str]]:
        """Return a reply, which must be a success, and the headers that were sent for it."""
        sent = {**({} if path == "/R4/PractitionerRole" else who.headers), **(headers or {})}
        if "json" in body:
            sent["Content-Type"] = FHIR_JSON
        if who.user not in self.tokens:
            begun = await self.rig.control("POST", "/sessions", {"user": who.user}, self.world)
            self.tokens[who.user] = begun["access_token"]
        unseen = {"Authorization": f"Bearer {self.tokens[who.user]}", "X-OpenERS-Tenant": self.world}
        address = f"/referrals/FHIR{path}"
        reply = await self.rig.http.request(method, address, headers={**sent, **unseen}, **body)
        assert reply.status_code < 400, f"{method} {path}: {reply.status_code} {reply.text}"
        return reply, sent


def _kept(reply: httpx.Response, world: str) -> Reply:
    """Return a reply as main would give it: examples name no fork."""
    root = f"/w/{world}"
    shown = {name: reply.headers[name].replace(root, "") for name in SHOWN if name in reply.headers}
    if "Location" in shown:
        shown["Location"] = SIGNATURE.sub("SIGNED", shown["Location"])
    kind = reply.headers.get("content-type", "")
    is_json = "json" in kind and bool(reply.content)
    text = reply.text if kind.startswith("text/plain") and reply.content else None
    body = json.loads(reply.text.replace(f"{root}/", "/")) if is_json else None
    return Reply(status=reply.status_code, headers=shown, body=body, text=text)


@asynccontextmanager
async def fresh_demo(folder: Path) -> AsyncGenerator[Rig]:
    """A service in test mode in this process, with a new demo world in `folder` whose clock is stopped."""
    url = f"sqlite:///{folder}/openers.db"
    await load(settings_for(url, folder), "demo")
    async with rig(url, folder) as made:
        await stop_at_noon(made)
        yield made


async def stop_at_noon(made: Rig) -> None:
    """Load the demo world anew into main and stop its clock, so that the examples are the same each time."""
    clock = {"now": NOON, "running": False}
    await made.control("PUT", "/clock", clock)
    await made.control("POST", "/worlds/main/load", {"pack": "demo", "seed": SEED})
    await made.control("PUT", "/clock", clock)
    await made.control("POST", "/clock/advance")
