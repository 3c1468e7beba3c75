"""Two kept worlds beside main in one service, each with its own address, log-ins, PAS, files and webhooks.

Nothing of one world is seen in another, and each survives a restart.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest

from openers.cli.audit import verify_audit
from openers_client import log_in
from openers_client.applications import ASSERTION_TYPE, client_assertion
from openers_client.http import post
from tests.kit.files.samples import LETTER, maintain
from tests.kit.pas.small_pas import SmallPas, small_pas
from tests.kit.referrals.rig import HEADERS, RULES, booking
from tests.kit.referrals.scene import SERVICE, add_slots, prepared, trust
from tests.kit.run.command import openers
from tests.kit.run.listener import Listener, listening
from tests.kit.run.waiting import HANGS_AFTER_S, until
from tests.kit.service.live import Live, client_of, live
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, settings_for
from tests.kit.service.worlds import Rig

pytestmark = pytest.mark.anyio
UUID: Final = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
LINKED: Final = re.compile(r"""(?:href|action|src)="(/[^"]*)"|'(?:location|link)': '<?(/[^'>]*)""")
CHOICES: Final = frozenset(("/_test/", "/w/int1/_test/", "/w/train/_test/"))
"""The page of worlds leads to the page of each world, and to nothing else of it."""
PRIORITY: Final = "/STU3/CodeSystem/PRIORITY"
PAGES: Final = ("/", "/_test/", "/_test/requests", "/_test/events", "/_test/webhooks", "/_test/faults")
DOCUMENTS: Final = (
    *("/.well-known/openid-configuration", "/referrals/openapi.json", "/referrals/_status", "/nothing/here"),
    *("/referrals/FHIR/STU3/metadata", "/referrals/FHIR/R4/metadata", "/_test/requests?as=har", "/_test/nothing"),
)
Json = dict[str, Any]


@dataclass
class Environment:
    """One world by its address, with all its replies."""

    name: str
    base: str
    replies: list[str] = field(default_factory=list[str])
    made: Json = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        """Log a GP in through the pages, as a browser does."""
        self.open = httpx.Client(timeout=HANGS_AFTER_S, event_hooks={"response": [self._note]})
        self.token = log_in(self.base, GP.user, client_of("demo-user-app")).access_token
        self.headers = {"Authorization": f"Bearer {self.token}", **GP.headers}

    def _note(self, reply: httpx.Response) -> None:
        reply.read()
        self.replies.append(f"{reply.headers}\n{reply.text}")

    def call(self, method: str, path: str, expect: int = 200, **more: Any) -> httpx.Response:
        """Call an operation as the GP."""
        headers = {**self.headers, **more.pop("headers", {})}
        reply = self.open.request(method, f"{self.base}/referrals/FHIR{path}", headers=headers, **more)
        assert reply.status_code == expect, reply.text
        return reply

    def posted(self, request: Mapping[str, Any], expect: int = 201) -> Json:
        """POST a prepared request."""
        given = dict(request)
        return dict(self.call("POST", given.pop("url"), expect, **given).json())

    def walk(self, hook: str) -> None:
        """Register a webhook, refer, upload a letter, get its signed address, and book."""
        registered = self.open.post(f"{self.base}/_test/webhooks", json={"url": hook})
        assert registered.status_code == 201, registered.text
        referral = self.posted(create_referral())
        named = {"NHSD-eRS-File-Name": LETTER.name, "Content-Type": LETTER.media_type}
        named["NHSD-eRS-Referral-ID"] = referral["id"]
        file = self.call("POST", "/STU3/Binary", 201, content=LETTER.content, headers=named).headers["location"]
        until(lambda: self._is_scanned(file), "the file is scanned")
        with_letter = self.posted(maintain(referral["id"], referral["meta"]["versionId"], file.rpartition("/")[2]), 200)
        until(lambda: bool(self.slots()), "slots are polled")
        appointment = self.posted(
            {"url": "/STU3/Appointment", "json": booking(with_letter, self.slots()[0]), "headers": HEADERS}
        )
        address = self.call("GET", f"/R4/{file}", 307).headers["location"]
        self.made = {"ubrn": referral["id"], "file": file, "address": address, "appointment": appointment["id"]}
        assert self.open.get(address).content == LETTER.content

    def slots(self) -> list[Json]:
        """Return the free slots (A015)."""
        asked = {"schedule.actor:HealthcareService": SERVICE, "appointmentType": "URGENT", "status": "free"}
        found = self.call("GET", "/STU3/Slot", params={**asked, "_count": "100", "page": "1"}, headers=RULES).json()
        return [each["resource"] for each in found["entry"] if each["search"]["mode"] == "match"]

    def seen(self) -> list[Any]:
        """Return what the GP sees: referral, appointment, file and clock."""
        paths = (f"/STU3/ReferralRequest/{self.made['ubrn']}", f"/STU3/Appointment/{self.made['appointment']}")
        clock = self.open.get(f"{self.base}/_test/clock").json()
        letter = self.call("GET", f"/STU3/{self.made['file']}").content
        return [*(self.call("GET", path).json() for path in paths), letter, clock]

    def _is_scanned(self, file: str) -> bool:
        reply = self.open.get(f"{self.base}/referrals/FHIR/STU3/{file}", headers=self.headers)
        return reply.status_code == 200


async def test_nothing_crosses_over(demo_url: str, keys: Path) -> None:
    """Each world has its own log-ins, bookings, signed files and webhooks, and survives a restart."""
    with small_pas() as of_main, small_pas() as of_train:
        for pas in (of_main, of_train):
            add_slots(pas, 3)
        settings = await prepared(demo_url, keys, of_main, OPENERS_KEPT_WORLDS="int1", OPENERS_POLL_EVERY_S="1")
        async with AsyncExitStack() as stack:
            hooks = [await stack.enter_async_context(listening()) for _ in range(3)]
            await asyncio.to_thread(_use, settings, (keys, of_train), hooks)
            for name, hook in zip(("demo", "int1", "train"), hooks, strict=True):
                assert {json.loads(body)["world"] for _, body in hook.got} == {name}


def _use(settings: dict[str, str], at: tuple[Path, SmallPas], hooks: list[Listener]) -> None:
    keys, pas = at
    with live(settings) as run:
        trust(pas, settings_for(settings["OPENERS_DATABASE_URL"], keys, base_url=f"{run.base_url}/w/train"))
        done = openers("world", "keep", "train", "--pas-url", pas.url, "--base-url", run.base_url)
        assert (done.returncode, done.stdout) == (0, f"{run.base_url}/w/train/\n"), done.stderr
        worlds = _environments(run)
        for world, hook in zip(worlds, hooks, strict=True):
            world.walk(hook.url)
            until(lambda heard=hook: len(heard.got) >= 3, "the webhook receives the events")
            _look_around(world)
        _check_apart(worlds)
        _check_addresses(worlds, run.base_url)
        frozen = {"now": "2035-01-01T12:00:00Z", "running": False}
        assert worlds[1].open.put(f"{worlds[1].base}/_test/clock", json=frozen).status_code == 200
        before = [world.seen() for world in worlds[1:]]
        run.stop()
    with live({**settings, "OPENERS_KEPT_WORLDS": ""}) as again:
        for world, old, state in zip(_environments(again)[1:], worlds[1:], before, strict=True):
            world.made = old.made
            assert world.seen()[:3] == state[:3]
        assert httpx.get(f"{again.base_url}/w/int1/_test/clock").json()["now"] == frozen["now"]
        assert openers("world", "drop", "train", "--base-url", again.base_url).returncode == 0
        gone = httpx.get(f"{again.base_url}/w/train/referrals/_ping")
        assert gone.status_code == 404
        assert "There is no world train; there are: main, int1" in gone.json()["error"]


def _environments(run: Live) -> list[Environment]:
    named = {"main": run.base_url, "int1": f"{run.base_url}/w/int1", "train": f"{run.base_url}/w/train"}
    return [Environment(name, base) for name, base in named.items()]


def _look_around(world: Environment) -> None:
    """Read all pages and documents of a world."""
    for path in PAGES:
        assert world.open.get(f"{world.base}{path}", headers={"Accept": "text/html"}).status_code == 200, path
    for path in DOCUMENTS:
        world.open.get(f"{world.base}{path}")
    asked = {"response_type": "code", "client_id": "demo-user-app", "redirect_uri": "http://127.0.0.1/callback"}
    world.open.get(f"{world.base}/oauth2/authorize", params=asked)
    world.open.get(f"{world.base}/oauth2/authorize", params={"client_id": "nobody"})
    refused = world.open.get(f"{world.base}/referrals/FHIR{PRIORITY}")
    explained = refused.headers["link"].partition(">")[0].removeprefix("<")
    origin = world.base.partition("/w/")[0]
    for accept in ("text/html", "application/json"):
        assert world.open.get(f"{origin}{explained}", headers={"Accept": accept}).status_code == 200


def _check_apart(worlds: list[Environment]) -> None:
    """Check that other worlds refuse tokens, assertions and signed addresses, and that no reply has a foreign id."""
    examples = set(UUID.findall(httpx.get(f"{worlds[0].base}/referrals/openapi.json").text))
    for own in worlds:
        ids = set(UUID.findall("\n".join(own.replies))) - examples
        assert ids
        for other in (each for each in worlds if each is not own):
            stolen = httpx.get(f"{other.base}/referrals/FHIR{PRIORITY}", headers=own.headers)
            assert stolen.status_code == 401
            moved = own.made["address"].replace(f"{own.base}/files/", f"{other.base}/files/")
            assert (own.made["address"].startswith(f"{own.base}/files/"), httpx.get(moved).status_code) == (True, 403)
            key = client_of("demo-provider-app").private_jwk
            assert key is not None
            assertion = client_assertion(f"{own.base}/oauth2/token", "demo-provider-app", key)
            form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
            refused = post(f"{other.base}/oauth2/token", {**form, "client_assertion": assertion})
            assert (refused.status, "'aud'" in refused.json()["error_description"]) == (400, True), refused.text
            assert post(f"{own.base}/oauth2/token", {**form, "client_assertion": assertion}).status == 200
            assert ids & set(UUID.findall("\n".join(other.replies))) == set(), (own.name, other.name)


def _check_addresses(worlds: list[Environment], origin: str) -> None:
    """Check that each address of this service in a reply of a world is one of this world."""
    own: Mapping[str, Callable[[str], bool]] = {
        "main": lambda rest: not rest.startswith("/w/"),
        "int1": lambda rest: rest.startswith("/w/int1"),
        "train": lambda rest: rest.startswith("/w/train"),
    }
    for world in worlds:
        for reply in world.replies:
            named = re.findall(re.escape(origin) + r"([^\s\"'<>]*)", reply)
            assert [rest for rest in named if not own[world.name](rest)] == [], reply[:2000]
            linked = LINKED.findall(reply)
            found = {each for pair in linked for each in pair if each and not own[world.name](each)}
            assert found <= CHOICES, reply[:2000]


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"name": "a", "kept": True, "from": "main"}, 400, "A kept world begins with a pack"),
        ({"name": "a", "kept": True, "pack": "nowhere"}, 404, "There is no pack nowhere"),
        ({"name": "a", "kept": True, "pas": "ftp://x"}, 400, "The body is not valid"),
        ({"name": "demo", "kept": True}, 409, "exists already"),
        ({"name": "a.b", "kept": True}, 400, "is not a valid name"),
        ({"name": "a", "pas": "http://x/fhir"}, 400, "pas belongs to a kept world"),
    ],
)
async def test_what_cannot_be_kept_is_refused(here: Rig, body: Json, status: int, told: str) -> None:
    """Nothing is made."""
    assert told in (await here.control("POST", "/worlds", body, expect=status))["error"]
    assert [each["name"] for each in (await here.control("GET", "/worlds"))["worlds"]] == ["main"]


async def test_a_request_names_one_world(here: Rig) -> None:
    """A header that contradicts the address is refused; a fork has an address too."""
    await here.fork_if_new("a")
    await here.fork_if_new("b")
    for name, status in (("a", 200), ("b", 400)):
        reply = await here.http.get("/w/a/_test/clock", headers={"X-OpenERS-Tenant": name})
        assert reply.status_code == status
    assert (await here.http.get("/w/a/_test/clock")).json()["world"] == "a"
    by_header = await here.http.get("/.well-known/openid-configuration", headers={"X-OpenERS-Tenant": "a"})
    assert by_header.json()["issuer"] == "http://127.0.0.1:8000/w/a"
    assert (await here.http.get("/w/main/_test/clock")).json()["world"] == "main"
    for path in ("/w/", "/w/none/", "/w/x%2fy/referrals/_ping"):
        reply = await here.http.get(path)
        assert (reply.status_code, "there are: main, a, b" in reply.json()["error"]) == (404, True), reply.text


async def test_a_kept_world_is_reset_by_itself(on_each: Rig, keys: Path) -> None:
    """A reset, a snapshot and a load change one world only, and its audit holds under the key of the service."""
    worlds = on_each.service.worlds
    await on_each.control("POST", "/worlds", {"name": "int1", "kept": True, "pack": "demo"}, expect=201)
    kept = {world: (await on_each.refer(world=world)).json()["id"] for world in ("main", "int1")}
    await on_each.control("POST", "/worlds/int1/snapshot", {"name": "a"})
    await on_each.control("POST", "/worlds/int1/load", {"pack": "empty"})
    assert (await on_each.acts("int1"), await on_each.acts()) == ([], ["create"])
    on_each.tokens.clear()
    await on_each.control("POST", "/worlds/int1/restore", {"name": "a"})
    assert (await on_each.read(kept["int1"], "int1")).status_code == 200
    assert (await on_each.read(kept["main"])).status_code == 200
    settings = on_each.service.settings
    url = on_each.service.kept.database_of("int1")
    verified = await verify_audit(msgspec.structs.replace(settings, database_url=url), [])
    assert (verified.findings, verified.entries > 1) == ([], True)
    await on_each.control("DELETE", "/worlds/int1")
    assert list(worlds.kept) == []
    await on_each.control("POST", "/worlds", {"name": "int1", "kept": True}, expect=201)
    assert await on_each.acts("int1") == []
