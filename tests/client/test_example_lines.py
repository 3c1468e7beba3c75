"""The Python lines on the pages of operations send the request that the page shows for curl."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import web

import openers_client
from openers.api.examples import RECORDED_AT, Example, example_name, example_of
from openers.api.operation import Operation
from openers.api.registry import all_operations
from openers_client import ErsClient, Role, Session
from tests.kit.examples.python_calls import LINES, python_of

pytestmark = pytest.mark.anyio
OPERATIONS: Final = all_operations()
READS: Final = {
    "ReferralRequest": "a005",
    "CommunicationRequest": "a024",
    "Appointment": "a038",
    "Slot": "a015",
}
"""The example whose reply is returned when another one first reads a record of this kind."""
BY_NAME: Final = {example_name(each): example_of(each) for each in OPERATIONS}


@dataclass
class Replay:
    """A service that returns the reply of one example, and records the requests."""

    example: Example
    requests: list[tuple[str, str, Mapping[str, str], bytes]] = field(
        default_factory=list[tuple[str, str, Mapping[str, str], bytes]]
    )

    async def serve(self, request: web.Request) -> web.Response:
        """Return the reply of the example, or that of a read before it."""
        path = request.path.removeprefix("/referrals/FHIR")
        if not path.startswith("/referrals") and request.path.startswith("/files/"):
            return web.Response(body=b"file")
        self.requests.append((request.method, request.raw_path, request.headers, await request.read()))
        if request.query.get("page", "1") != "1":
            return web.json_response({"resourceType": "Bundle"})  # no more slots
        if (request.method, path) == (self.example.method, self.example.path.partition("?")[0]):
            return self._reply(self.example, str(request.url.origin()))
        return self._reply(self._read(path), str(request.url.origin()))

    def _read(self, path: str) -> Example:
        """Return the example of a read, with the id and version to which the replayed example refers."""
        kind, _, record = path.removeprefix("/STU3/").partition("/")
        read = json.loads(json.dumps(BY_NAME[READS[kind]].reply.body))
        if record:
            read["id"] = record
            read["meta"]["versionId"] = quoted_version(self.example) or read["meta"]["versionId"]
        if kind == "Appointment":
            read["incomingReferral"] = self.example.body["incomingReferral"]
        return Example(title="", user="", method="GET", path=path, reply=reply_with(read))

    @staticmethod
    def _reply(example: Example, origin: str) -> web.Response:
        reply = example.reply
        headers = {name: value.replace(RECORDED_AT, origin) for name, value in reply.headers.items()}
        body = (reply.text or "").encode() if reply.body is None else json.dumps(reply.body).encode()
        return web.Response(status=reply.status, headers=headers, body=body)


def reply_with(body: Any) -> Any:
    """Return a reply with a body."""
    return type(BY_NAME["a005"].reply)(status=200, headers={"Content-Type": "application/fhir+json"}, body=body)


def quoted_version(example: Example) -> str | None:
    """Return the version of the record to which a request refers."""
    text = f"{example.headers.get('If-Match', '')} {example.path} {json.dumps(example.body)}"
    found = re.search(r'W/"(\d+)"|_history/(\d+)', text)
    return None if found is None else found[1] or found[2]


@asynccontextmanager
async def replaying(example: Example) -> AsyncGenerator[tuple[Replay, str]]:
    """Serve an example on a free port."""
    made, app = Replay(example), web.Application()
    app.router.add_route("*", "/{path:.*}", made.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield made, site.name
    finally:
        await runner.cleanup()


def canonical(value: Any, base: str) -> Any:
    """Return JSON without what may differ: the order of parameters, the time of indexing, and the address."""
    if isinstance(value, str):
        return value.replace(base, "").replace("_baseUrl_", "/referrals/FHIR")
    if isinstance(value, list):
        made = [canonical(each, base) for each in cast("list[Any]", value)]
        return sorted(made, key=lambda each: each["name"]) if made and all(map(is_parameter, made)) else made
    if isinstance(value, dict):
        return {
            name: canonical(each, base) for name, each in cast("dict[str, Any]", value).items() if name != "indexed"
        }
    return value


def is_parameter(value: Any) -> bool:
    """Return whether a value is an entry of a Parameters resource."""
    return isinstance(value, dict) and "name" in value


def role_of(example: Example) -> Role:
    """Return the role of an example's caller."""
    headers = example.headers
    organisation = headers.get("NHSD-End-User-Organisation-ODS", "D82106")
    function = headers.get("NHSD-eRS-Business-Function", "REFERRING_CLINICIAN")
    return Role(organisation, function, headers.get("NHSD-eRS-On-Behalf-Of-User-ID"))


@pytest.mark.parametrize("operation", OPERATIONS, ids=example_name)
async def test_the_lines_send_the_request_of_the_example(
    operation: Operation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = example_of(operation)
    monkeypatch.chdir(tmp_path)
    await asyncio.to_thread(Path("letter.txt").write_text, example.text or "")
    lines = python_of(operation, example)
    async with replaying(example) as (replay, address), ErsClient(address) as client:
        caller = client.caller(Session.of_token("x"), role_of(example))
        names = {"gp": caller, "consultant": caller, "administrator": caller, "Path": Path, "date": date}
        known: dict[str, Any] = {**{name: getattr(openers_client, name) for name in openers_client.__all__}, **names}
        body = "".join(f"    {line}\n" for line in lines.splitlines())
        exec(compile(f"async def run():\n{body}", operation.id, "exec"), known)
        await known["run"]()
    path = example.path.partition("?")[0]
    wanted = (example.method, f"/referrals/FHIR{path}")
    sent = [each for each in replay.requests if (each[0], urlsplit(each[1]).path) == wanted]
    assert sent, replay.requests
    _, target, headers, content = sent[0]
    assert set(parse_qsl(urlsplit(example.path).query)) <= set(parse_qsl(urlsplit(target).query))
    assert {name: headers.get(name) for name in example.headers} == example.headers
    if example.body is not None:
        assert canonical(json.loads(content), address) == canonical(example.body, RECORDED_AT)
    assert content.decode() == (example.text or "") or example.body is not None


def test_each_example_has_lines() -> None:
    assert set(LINES) == set(BY_NAME)
