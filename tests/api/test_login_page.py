"""The log-in page: its content, its accessibility, and that it shows names as text and not as markup."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from tests.kit.service.oauth_service import CLINICIAN, USER_APP, Service, brought, demo, running

from openers.domain.identifiers import UserId

pytestmark = pytest.mark.anyio


@pytest.fixture
async def service(tmp_path: Path) -> AsyncGenerator[Service]:
    async with running(tmp_path) as started:
        yield started


class Outline(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Store an element."""
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Store text."""
        self.text += data

    def all(self, tag: str, **having: str) -> list[dict[str, str]]:
        """Return the attributes of all elements of this type that have these attributes."""
        return [found for name, found in self.found if name == tag and having.items() <= found.items()]


async def test_it_lists_everybody_with_their_roles_and_levels(service: Service) -> None:
    page = Outline((await service.page())[0].text)
    people = page.all("input", type="radio", name="user_id")
    assert {each["value"] for each in people} == {str(each.id) for each in demo().users if each.active}
    for said in (
        "Demo application for people",
        "Referring clinician at Park Square Surgery (D82106)",
        "Logs in by smartcard: identity level 3, authenticator level 3",
        "identity level 2",
        "too low: the API will refuse",
    ):
        assert said in page.text


async def test_it_says_what_it_is_not(service: Service) -> None:
    page = (await service.page())[0].text
    assert "Not an NHS service. Synthetic data." in page
    assert "frutiger" not in page.lower()
    assert "<img" not in page


async def test_it_can_be_used_without_eyes_mouse_or_script(service: Service) -> None:
    page = Outline((await service.page())[0].text)
    assert page.all("html", lang="en")
    assert page.all("meta", name="viewport")
    assert (len(page.all("main")), len(page.all("h1")), len(page.all("fieldset")), len(page.all("legend"))) == (1,) * 4
    labelled = {label["for"] for label in page.all("label")}
    described = {found["id"] for _, found in page.found if "id" in found}
    for field in page.all("input", type="radio"):
        assert field["id"] in labelled
        assert field["aria-describedby"] in described
    assert [each["value"] for each in page.all("button", type="submit")] == ["log_in", "cancel"]
    assert all(script["src"] for script in page.all("script"))
    identifiers = [found["id"] for _, found in page.found if "id" in found]
    assert len(identifiers) == len(set(identifiers))


async def test_it_loads_nothing_from_elsewhere_and_can_not_be_framed(service: Service) -> None:
    page, _ = await service.page(redirect_uri="http://127.0.0.1:4567/callback")
    parts = [part.split(maxsplit=1) for part in page.headers["content-security-policy"].split(";")]
    policy = dict(parts)
    own = ("script-src", "style-src", "img-src", "font-src", "connect-src")
    assert policy == {
        **dict.fromkeys(("default-src", "frame-ancestors", "base-uri"), "'none'"),
        **dict.fromkeys(own, "'self'"),
        "form-action": "'self' http://127.0.0.1:4567",
    }
    outline = Outline(page.text)
    links = [found[name] for _, found in outline.found for name in ("href", "src", "action") if name in found]
    assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in links)
    (style,) = (link for link in links if link.endswith(".css"))
    assert (await service.http.get(style)).headers["content-type"].startswith("text/css")
    assert not any("style" in found for _, found in outline.found), "the policy would ignore it"


async def test_names_are_text(service: Service) -> None:
    nasty = "\"><script>alert(1)</script><b title='{{ 7 * 7 }}'>&amp;"
    user = next(each for each in demo().users if each.id == CLINICIAN)
    application = next(each for each in demo().applications if each.client_id == USER_APP)
    method = msgspec.structs.replace(user.assurance, method=nasty)
    await service.put(
        msgspec.structs.replace(user, name=nasty, assurance=method), msgspec.structs.replace(application, name=nasty)
    )
    page = Outline((await service.page())[0].text)
    assert page.text.count(nasty) == 3
    assert all(script["src"] for script in page.all("script"))
    assert not page.all("b")


@pytest.mark.parametrize("user_id", ["", "999999999999", "x", "<b>", "5550731031001"])
async def test_nobody_picked_shows_the_page_again(service: Service, user_id: str) -> None:
    _, handle = await service.page()
    reply = await service.pick(handle, user_id)
    page = Outline(reply.text)
    assert reply.status_code == 400
    assert page.all("div", role="alert")
    assert "Error: Log in" in page.text
    assert page.all("input", name="handle", value=handle)
    assert brought(await service.pick(handle))["code"], "the request still waits"


async def test_a_long_list_is_cut_and_searched(service: Service) -> None:
    """The page stays small however many people there are; the search needs no script and leaves the request waiting."""
    model = next(each for each in demo().users if each.id == CLINICIAN)
    crowd = [
        msgspec.structs.replace(model, id=UserId(f"777000{number:06d}"), name=f"Dr Crowd {number}_%")
        for number in range(300)
    ]
    await service.put(*crowd)
    first, handle = await service.page(login_hint="777000000299")
    page = Outline(first.text)
    shown = [each["value"] for each in page.all("input", type="radio")]
    assert (len(shown), shown[0], page.all("input", type="radio", checked="")[0]["value"]) == (
        101,
        *["777000000299"] * 2,
    )
    assert "These are the first 101" in page.text
    for text, found in (
        ("crowd 123", ["777000000123"]),
        ("777000000210", ["777000000210"]),
        ("7_%", [f"777000{number:06d}" for number in range(7, 300, 10)]),
        ("nobody\\", []),
    ):
        reply = await service.pick(handle, "", decision="find", find=text)
        outline = Outline(reply.text)
        assert (reply.status_code, [each["value"] for each in outline.all("input", type="radio")]) == (200, found)
        assert outline.all("input", name="find", value=text)
    at_practice = await service.pick(handle, "", decision="find", find="park square")
    assert CLINICIAN in at_practice.text
    assert brought(await service.pick(handle))["code"], "the request still waits"


async def test_who_has_left_is_not_listed_and_can_not_be_picked(service: Service) -> None:
    user = next(each for each in demo().users if each.id == UserId(CLINICIAN))
    await service.put(msgspec.structs.replace(user, active=False))
    page, handle = await service.page()
    assert CLINICIAN not in page.text
    assert (await service.pick(handle)).status_code == 400
