"""Log-in of an application: at a provider, with sessions in both databases, and what attackers try."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from time import time
from typing import NamedTuple

import httpx
import pytest
from markupsafe import Markup
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from openers_web.layout import Frame, Pages, Site
from openers_web.log_in.assembly import LogInParts, LogInSettings, assemble
from openers_web.log_in.provider import Client, ProviderFailed
from openers_web.log_in.routes import error_handlers, log_in_routes
from openers_web.parts.texts import Flash
from openers_web.sessions import DRAFT_S, IDLE_S, LOG_IN_S, LONGEST_S, PAST_S, NoSession, Person, Session, Tokens
from tests.kit.web.served import served
from tests.webkit.small_provider import CLIENT, CLIENT_KEY, SmallProvider

pytestmark = pytest.mark.anyio
BASE = "http://127.0.0.1:8003"
OTHER_BASE = "http://127.0.0.1:9003"
OURS = {"sec-fetch-site": "same-origin"}


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        """Start at the time of the machine, which the provider's tokens name."""
        self.ahead = 0.0

    def __call__(self) -> float:
        return time() + self.ahead


class Island(NamedTuple):
    """An application with log-in, its parts and its clock."""

    app: Starlette
    parts: LogInParts
    clock: Clock

    def browser(self, base: str = BASE) -> httpx.AsyncClient:
        """Return a new browser at the application."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=base, follow_redirects=False)


@pytest.fixture
def provider() -> Generator[SmallProvider]:
    """Run a provider."""
    small = SmallProvider()
    with served(small.application()) as address:
        small.issuer = address
        yield small


def _frame(request: Request) -> Frame:
    return Frame(Site("Island"))


@asynccontextmanager
async def island_at(provider: SmallProvider, store: str, base: str = BASE) -> AsyncGenerator[Island]:
    """Run an application with one page, one form and one call."""
    clock, pages = Clock(), Pages()
    client = Client(CLIENT, CLIENT_KEY.as_dict(private=True), provider.issuer)
    parts = assemble(LogInSettings("island", base, client, store, [b"k" * 32]), clock)
    gate = parts.gate

    async def _page(request: Request) -> Response:
        visit = await gate.visit(request)
        flashes = await gate.flashes(visit)
        draft = await gate.draft(visit, request.url.path)
        shown = f"{visit.session.person.name}|{draft.text('letter') if draft else ''}|{visit.form_token}"
        return pages.page(Frame(Site("Island"), flashes=flashes), "Page", Markup("<p id=shown>{}</p>").format(shown))

    async def _form(request: Request) -> Response:
        visit, form = await gate.form(request)
        await gate.flash(visit, Flash(f"Saved {form.text('letter')}"))
        return PlainTextResponse("saved")

    async def _call(request: Request) -> Response:
        return PlainTextResponse(await gate.access_token(await gate.visit(request)))

    async def _broken(request: Request) -> Response:
        raise RuntimeError("a secret")

    app = Starlette(
        routes=[
            *(Route("/page", _page), Route("/page", _form, methods=["POST"]), Route("/call", _call)),
            *(Route("/broken", _broken), *log_in_routes(gate, pages, _frame)),
        ],
        exception_handlers=dict(error_handlers(pages, _frame)),
    )
    await parts.open()
    yield Island(app, parts, clock)
    await parts.close()


@pytest.fixture
async def island(provider: SmallProvider, tmp_path: Path) -> AsyncGenerator[Island]:
    """Run an application on SQLite."""
    async with island_at(provider, f"sqlite:///{tmp_path}/web.db") as island:
        yield island


async def begin(browser: httpx.AsyncClient, path: str = "/page") -> str:
    """Follow a page to the provider; return the address at which the provider sends the browser back."""
    needed = await browser.get(path)
    assert needed.status_code == 303
    asked = await browser.get(needed.headers["location"])
    async with httpx.AsyncClient() as outside:
        return (await outside.get(asked.headers["location"])).headers["location"]


async def log_in(browser: httpx.AsyncClient, path: str = "/page") -> httpx.Response:
    """Log in; return the reply that begins the session."""
    reply = await browser.get(await begin(browser, path))
    assert reply.status_code == 303, reply.text
    return reply


def _shown(reply: httpx.Response) -> list[str]:
    assert reply.status_code == 200, reply.text
    return reply.text.partition("<p id=shown>")[2].partition("</p>")[0].split("|")


async def test_a_log_in_returns_to_its_page_and_shows_the_name_as_text(island: Island) -> None:
    async with island.browser() as browser:
        reply = await log_in(browser, "/page?q=1")
        assert reply.headers["location"] == "/page?q=1"
        assert "HttpOnly" in reply.headers["set-cookie"]
        assert "SameSite=lax" in reply.headers["set-cookie"]
        assert _shown(await browser.get("/page"))[0] == "Dr Alex &lt;b&gt;Smith&lt;/b&gt;"


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"sub": "555", "name": "Dr Sam Jones"}, "Dr Sam Jones"),
        ({"sub": "556", "name": "Somebody else"}, "555"),
        ({"sub": "555"}, "555"),
    ],
)
async def test_a_name_that_the_id_token_lacks_comes_from_the_user_info(
    island: Island, provider: SmallProvider, told: dict[str, str], shown: str
) -> None:
    provider.wrong = {"name": None}
    provider.user_info = told
    async with island.browser() as browser:
        await log_in(browser)
        assert _shown(await browser.get("/page"))[0] == shown


async def test_a_session_gets_a_new_id_at_log_in(island: Island) -> None:
    async with island.browser() as browser:
        browser.cookies.set(island.parts.gate.session_cookie, "f" * 43, domain="127.0.0.1")
        await log_in(browser)
        first = browser.cookies[island.parts.gate.session_cookie]
        assert first != "f" * 43
        await browser.get(await _again(browser))
        assert browser.cookies[island.parts.gate.session_cookie] != first
        with pytest.raises(NoSession):
            await island.parts.store.read(first)


async def _again(browser: httpx.AsyncClient) -> str:
    asked = await browser.get("/log-in?prompt=login")
    assert "prompt=login" in asked.headers["location"]
    async with httpx.AsyncClient() as outside:
        return (await outside.get(asked.headers["location"])).headers["location"]


async def test_an_answer_counts_once_and_in_its_own_browser(island: Island) -> None:
    async with island.browser() as victim, island.browser() as attacker:
        answer = await begin(attacker)
        assert "another browser" in (await victim.get(answer)).text
        assert "too old or was already used" in (await attacker.get(answer)).text
        late = await begin(attacker)
        island.clock.ahead = LOG_IN_S + 1
        assert (await attacker.get(late)).status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [{"nonce": "other"}, {"aud": "other"}, {"iss": "http://other"}, {"exp": 1}, {"iat": 2**33}, {"nonce": None}],
    ids=str,
)
async def test_an_id_token_of_another_log_in_is_refused(
    island: Island, provider: SmallProvider, wrong: dict[str, object]
) -> None:
    provider.wrong = wrong
    async with island.browser() as browser:
        reply = await browser.get(await begin(browser))
        assert reply.status_code in {400, 503}
        assert "secret" not in reply.text
        assert (await browser.get("/page")).status_code == 303


async def test_a_token_of_another_key_is_refused(island: Island, provider: SmallProvider) -> None:
    await island.parts.provider.claims(provider.signed({}))
    provider.key = CLIENT_KEY
    with pytest.raises(ProviderFailed):
        await island.parts.provider.claims(provider.signed({}))


@pytest.mark.parametrize("path", ["//foreign.example", "https://foreign.example/", "/\\foreign.example"])
async def test_a_log_in_never_leads_to_another_host(island: Island, path: str) -> None:
    async with island.browser() as browser:
        asked = await browser.get("/log-in", params={"return_to": path})
        async with httpx.AsyncClient() as outside:
            answer = (await outside.get(asked.headers["location"])).headers["location"]
        assert (await browser.get(answer)).headers["location"] == "/"


async def test_a_form_needs_our_page_and_its_token(island: Island) -> None:
    async with island.browser() as browser:
        await log_in(browser)
        token = _shown(await browser.get("/page"))[2]
        sent = {"letter": "x", "form_token": token}
        for headers, form in (
            ({"sec-fetch-site": "cross-site"}, sent),
            ({"origin": "http://foreign.example"}, sent),
            (OURS, {"letter": "x"}),
            (OURS, {"letter": "x", "form_token": "0" * 80}),
        ):
            assert (await browser.post("/page", data=form, headers=headers)).status_code == 403
        assert (await browser.post("/page", json={}, headers=OURS)).status_code == 415
        assert (await browser.post("/page", data=sent, headers=OURS)).text == "saved"
        assert "Saved x" in (await browser.get("/page")).text
        assert "Saved x" not in (await browser.get("/page")).text


async def test_two_demos_do_not_mix_up_their_cookies(provider: SmallProvider, tmp_path: Path) -> None:
    async with (
        island_at(provider, f"sqlite:///{tmp_path}/a.db") as one,
        island_at(provider, f"sqlite:///{tmp_path}/b.db", OTHER_BASE) as two,
        one.browser() as browser,
        two.browser(OTHER_BASE) as other,
    ):
        await log_in(browser)
        other.cookies = browser.cookies  # a browser sends the cookies of a host to each of its ports
        assert (await other.get("/page")).status_code == 303
        await log_in(other)
        assert _shown(await browser.get("/page"))
        assert one.parts.gate.session_cookie != two.parts.gate.session_cookie


async def test_a_form_sent_after_the_end_becomes_a_draft(island: Island) -> None:
    async with island.browser() as browser:
        await log_in(browser)
        token = _shown(await browser.get("/page"))[2]
        island.clock.ahead = IDLE_S + 1
        late = await browser.post("/page", data={"letter": "long text", "form_token": token}, headers=OURS)
        assert late.status_code == 401
        assert "is kept for 24 hours" in late.text
        await log_in(browser)
        assert _shown(await browser.get("/page"))[1] == "long text"
        assert _shown(await browser.get("/page"))[1] == ""


async def test_tokens_are_refreshed_once_for_all_callers(island: Island, provider: SmallProvider) -> None:
    provider.expires_in = 1
    async with island.browser() as browser:
        await log_in(browser)
        provider.expires_in = 600
        replies = await asyncio.gather(*(browser.get("/call") for _ in range(12)))
        assert provider.refreshes == 1
        assert len({reply.text for reply in replies}) == 1
        assert {reply.status_code for reply in replies} == {200}


async def test_a_refused_refresh_ends_the_session(island: Island, provider: SmallProvider) -> None:
    provider.expires_in = 1
    async with island.browser() as browser:
        await log_in(browser)
        provider.refuses = True
        assert (await browser.get("/call")).status_code == 303
        assert (await browser.get("/page")).status_code == 303


async def test_log_out_ends_the_session_here_and_links_to_the_provider(island: Island, provider: SmallProvider) -> None:
    async with island.browser() as browser:
        await log_in(browser)
        token = _shown(await browser.get("/page"))[2]
        assert (await browser.post("/log-out", data={"form_token": ""}, headers=OURS)).status_code == 403
        reply = await browser.post("/log-out", data={"form_token": token}, headers=OURS)
        assert f"{provider.issuer}/end?" in reply.text
        assert (await browser.get("/page")).status_code == 303


async def test_the_provider_ends_sessions(island: Island, provider: SmallProvider) -> None:
    event: dict[str, object] = {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}
    async with island.browser() as browser, island.browser() as outside:
        await log_in(browser)
        wrong: tuple[dict[str, object], ...] = (
            {"events": {}},
            {"nonce": "n"},
            {"sid": None, "sub": None},
            {"aud": "x"},
        )
        for claims in ({**event, **each} for each in wrong):
            sent = {"logout_token": provider.signed(claims)}
            assert (await outside.post("/log-out/back-channel", data=sent)).status_code == 400
        assert (await browser.get("/page")).status_code == 200
        sent = {"logout_token": provider.signed(event)}
        assert (await outside.post("/log-out/back-channel", data=sent)).status_code == 200
        assert (await browser.get("/page")).status_code == 303


async def test_an_unexpected_error_shows_a_number_and_no_secret(island: Island) -> None:
    transport = httpx.ASGITransport(island.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as browser:
        reply = await browser.get("/broken")
        assert reply.status_code == 500
        assert "a secret" not in reply.text
        assert (await browser.get("/nothing")).status_code == 404
        assert "Page not found" in (await browser.get("/nothing")).text


async def test_without_a_provider_the_page_says_so(tmp_path: Path) -> None:
    nobody = SmallProvider()
    nobody.issuer = "http://127.0.0.1:9"
    async with island_at(nobody, f"sqlite:///{tmp_path}/web.db") as island, island.browser() as browser:
        reply = await browser.get("/log-in")
        assert reply.status_code == 503
        assert reply.headers["retry-after"] == "5"


@pytest.fixture
async def parts(empty_url: str, provider: SmallProvider, tmp_path: Path) -> AsyncGenerator[Island]:
    """Run an application on each database."""
    async with island_at(provider, empty_url) as island:
        yield island


SESSION = Session(Person("555", "Dr Alex Smith", {}), Tokens("access", 0, "refresh"), {"role": "R1"})


async def test_a_session_is_encrypted_and_ends(parts: Island) -> None:
    store, clock = parts.parts.store, parts.clock
    id = await store.begin(SESSION, "sid-1")
    rows = await parts.parts.database.run(lambda db: db.execute(text("SELECT state FROM web_sessions")).all())
    assert not any(secret in bytes(row[0]) for row in rows for secret in (b"Smith", b"refresh", b"R1"))
    for _ in range(3):
        clock.ahead += IDLE_S - 10
        assert (await store.read(id)).data == {"role": "R1"}
    clock.ahead += IDLE_S + 1
    with pytest.raises(NoSession):
        await store.read(id)
    assert await store.owner(id) == "555"
    clock.ahead += PAST_S
    assert await store.purge() == 1
    id, clock.ahead = await store.begin(SESSION), clock.ahead + 1
    while clock.ahead < LONGEST_S * 2:
        clock.ahead += IDLE_S - 10
        try:
            await store.read(id)
        except NoSession:
            break
    else:
        pytest.fail("a session that is used for ever must end")


async def test_changes_of_one_session_do_not_overwrite_each_other(parts: Island) -> None:
    store = parts.parts.store
    id = await store.begin(SESSION)

    async def add(name: str) -> None:
        await store.change(id, lambda old: Session(old.person, old.tokens, {**old.data, name: "x"}))

    await asyncio.gather(*(add(str(number)) for number in range(20)))
    assert len((await store.read(id)).data) == 21


async def test_drafts_end_after_a_day(parts: Island) -> None:
    store = parts.parts.store
    await store.keep_draft("555", "/a", [("letter", "one")])
    await store.keep_draft("555", "/a", [("letter", "two")])
    assert await store.draft("555", "/a") == [("letter", "two")]
    assert await store.draft("556", "/a") is None
    parts.clock.ahead = DRAFT_S + 1
    assert await store.draft("555", "/a") is None
    assert await store.purge() == 1
