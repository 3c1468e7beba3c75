"""The operator page: what it shows, masks and does, and which forms it refuses."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from openers_testpas.hospital.slots import london
from openers_testpas.server import build
from tests.testpas.hospital import Hospital

pytestmark = pytest.mark.anyio


class Page(HTMLParser):
    """The parts of a page that tests check."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[str | None] = []
        self.labelled: set[str] = set()
        self.fields: list[dict[str, str | None]] = []
        self.tags: list[str] = []
        self.forms: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        if tag == "script":
            self.scripts.append(found.get("src"))
        if tag == "label":
            self.labelled.add(found["for"] or "")
        if tag == "form":
            self.forms.append(found)
        if tag in {"input", "select"} and found.get("type") != "hidden":
            self.fields.append(found)


@pytest.fixture
async def browser(hospital: Hospital) -> AsyncGenerator[httpx.AsyncClient]:
    """Provide a separate browser, which keeps cookies and follows redirects."""
    transport = httpx.ASGITransport(build(hospital.system))
    async with httpx.AsyncClient(transport=transport, base_url="http://pas", follow_redirects=True) as http:
        yield http


async def _booked(hospital: Hospital) -> dict[str, Any]:
    [slot] = await hospital.subject.free()
    return (await hospital.subject.book(slot)).json()


def _day_of(hospital: Hospital, appointment: str) -> str:
    return london(hospital.system.bookings.one(appointment).start).date().isoformat()


def _token(text: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', text)
    assert found is not None
    return found[1]


async def _send(browser: httpx.AsyncClient, page: str, action: str, **fields: str) -> httpx.Response:
    """Load a page and send one of its forms."""
    token = _token((await browser.get(page)).text)
    return await browser.post(action, data={"form_token": token, **fields})


async def test_the_diary_masks_patients_and_the_detail_shows_them(
    hospital: Hospital, browser: httpx.AsyncClient
) -> None:
    booked = await _booked(hospital)
    diary = (await browser.get(f"/?day={_day_of(hospital, booked['id'])}")).text
    assert "••• ••• •042" in diary
    assert "9990000042" not in diary
    assert "999 000" not in diary
    assert f"/appointments/{booked['id']}" in diary
    page = (await browser.get(f"/appointments/{booked['id']}")).text
    assert "999 000 0042" in page


async def test_texts_are_escaped(hospital: Hospital, browser: httpx.AsyncClient) -> None:
    booked = await _booked(hospital)
    for path in (f"/?day={_day_of(hospital, booked['id'])}", f"/appointments/{booked['id']}"):
        page = (await browser.get(path)).text
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Sons" in page
        assert "<script>" not in page
    assert "<b>" not in (await browser.get("/appointments/<b>x")).text


async def test_every_field_has_a_label_and_nothing_is_inline_or_foreign(
    hospital: Hospital, browser: httpx.AsyncClient
) -> None:
    booked = await _booked(hospital)
    for path in (f"/?day={_day_of(hospital, booked['id'])}", f"/appointments/{booked['id']}", "/appointments/none"):
        reply = await browser.get(path)
        page = Page(reply.text)
        assert [field for field in page.fields if field.get("id") not in page.labelled] == []
        assert "style" not in page.tags
        assert all(src is not None and src.startswith("/assets/") for src in page.scripts)
        assert page.tags.count("h1") == page.tags.count("main") == 1
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert reply.headers["cache-control"] == "no-store"
        assert (await browser.get(page.scripts[0] or "")).headers["content-type"].startswith("text/javascript")


async def test_an_appointment_is_cancelled_with_a_reason(hospital: Hospital, browser: httpx.AsyncClient) -> None:
    path = f"/appointments/{(await _booked(hospital))['id']}"
    wrong = await _send(browser, path, path, act="cancel", reason="PRIORITY_CHANGE")
    assert wrong.status_code == 409
    assert '<a href="#comment">' in wrong.text
    assert "needs a comment" in wrong.text
    done = await _send(browser, path, path, act="cancel", reason="PRIORITY_CHANGE", comment="Urgent <now>")
    assert done.status_code == 200
    assert "Cancelled" in done.text
    assert "Urgent &lt;now&gt;" in done.text
    assert "Waiting, attempts: 0" in done.text
    assert Page(done.text).forms == []


@pytest.mark.parametrize(
    ("fields", "state"),
    [({"act": "arrive"}, "Arrived"), ({"act": "not-attended", "reason": "PATIENT_FORGOT"}, "Did not attend")],
)
async def test_arrival_and_absence_are_marked(
    hospital: Hospital, browser: httpx.AsyncClient, fields: dict[str, str], state: str
) -> None:
    booked = await _booked(hospital)
    path = f"/appointments/{booked['id']}"
    assert f"<dd>{state}</dd>" in (await _send(browser, path, path, **fields)).text
    assert f"<div>{state}</div>" in (await browser.get(f"/?day={_day_of(hospital, booked['id'])}")).text


async def test_an_appointment_is_moved_to_a_slot_of_the_list(hospital: Hospital, browser: httpx.AsyncClient) -> None:
    booked = await _booked(hospital)
    path = f"/appointments/{booked['id']}"
    page = (await browser.get(path)).text
    listed = re.findall(r'<option value="([0-9a-f]{16})">', page)
    moved = await _send(browser, path, path, act="move", slot=listed[-1])
    assert moved.status_code == 200
    assert hospital.system.bookings.one(booked["id"]).slot == listed[-1]
    assert (await _send(browser, path, path, act="move", slot=listed[-1])).status_code == 409


async def test_slots_are_added_and_closed(hospital: Hospital, browser: httpx.AsyncClient) -> None:
    fields = {"clinic": "empty", "day": "2027-07-05", "time": "09:00", "service": "90009"}
    added = await _send(browser, "/", "/slots", act="add", **fields)
    assert "Monday 5 July 2027" in added.text
    assert "09:00 to 09:20" in added.text
    [slot] = re.findall(r'name="slot" value="([0-9a-f]{16})"', added.text)
    assert hospital.system.slots.one(slot).start == 1_814_774_400_000_000  # 08:00 UTC: summer time
    closed = await _send(browser, "/", "/slots", act="close", slot=slot, day="2027-07-05", service="90009")
    assert "<div>Closed</div>" in closed.text
    wrong = await _send(browser, "/", "/slots", act="add", clinic="empty", day="2027-07-05", time="later")
    assert wrong.status_code == 409
    assert re.search(r'<a href="#time">\s*Give a day and a time, for example 09:30\s*</a>', wrong.text)
    assert 'value="later"' in wrong.text


async def test_slots_of_the_hospitals_own_patients_are_told_apart_from_closed_ones(
    hospital: Hospital, browser: httpx.AsyncClient
) -> None:
    taken = hospital.system.store.db.execute("SELECT start FROM slot WHERE status = 'busy-unavailable'").fetchone()
    day = london(taken[0]).date().isoformat()
    diary = (await browser.get("/", params={"day": day, "service": "90002"})).text
    assert "Taken by the hospital&#39;s own patient" in diary
    assert "<div>Closed</div>" not in diary


async def test_services_have_their_names(hospital: Hospital, browser: httpx.AsyncClient) -> None:
    booked = await _booked(hospital)
    for path in (f"/?day={_day_of(hospital, booked['id'])}", f"/appointments/{booked['id']}"):
        assert "Alpha service (90001)" in (await browser.get(path)).text


@pytest.mark.parametrize("day", ["", "never", "0001-01-01", "9999-12-31"])
async def test_a_day_that_is_none_shows_today(hospital: Hospital, browser: httpx.AsyncClient, day: str) -> None:
    assert "(today)" in (await browser.get("/", params={"day": day})).text
    assert hospital.system.clock.today()


async def test_a_form_from_elsewhere_is_refused(hospital: Hospital, browser: httpx.AsyncClient) -> None:
    booked = await _booked(hospital)
    path = f"/appointments/{booked['id']}"
    reply = await browser.get(path)
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert (await browser.post(path, data={"act": "arrive"})).status_code == 403
    assert (await browser.post(path, data={"act": "arrive", "form_token": "x"})).status_code == 403
    browser.cookies.clear()
    assert (await browser.post(path, data={"act": "arrive", "form_token": _token(reply.text)})).status_code == 403
    assert hospital.system.bookings.one(booked["id"]).status == "booked"
