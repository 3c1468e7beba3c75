"""The interest list and its mail: nobody is on it unasked, each notice is sent once, and leaving is deletion."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import AsyncGenerator, Generator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import ClassVar, Final

import anyio
import httpx
import pytest

from openers_portal.mailing import Later, Resting, Sender, Smtp, send_one
from openers_portal.rules.interest import KEPT, MOST_A_DAY, MOST_AN_HOUR, Interest, announcement
from openers_portal.rules.mail import Mail, Sending, message, source
from openers_portal.settings import BadSettings, Settings
from openers_portal.store.interests import TooMany
from openers_portal.store.mails import GIVEN_UP
from openers_portal.store.portal_store import PortalStore
from tests.kit.web.walker import Walker
from tests.portal.conftest import OPERATOR, Enter

HOST: Final = "openers.example"
NOW: Final = datetime(2026, 11, 30, 9, tzinfo=UTC)
SOON: Final = "2027-12-31"


class Mailbox(socketserver.StreamRequestHandler):
    """A mail server as far as smtplib needs it: it keeps messages, and refuses a sender on request."""

    kept: ClassVar[list[str]] = []

    def handle(self) -> None:
        """Speak SMTP."""
        self._say("220 mailbox")
        while line := self.rfile.readline().decode().strip():
            match line.split(":")[0].split()[0].upper():
                case "DATA":
                    self._say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    self.kept.append(b"".join(lines).decode())
                    self._say("250 ok")
                case "MAIL" if "refused" in line:
                    self._say("550 not you")
                case "MAIL" if "later" in line:
                    self._say("451 not now")
                case "QUIT":
                    self._say("221 bye")
                case _:
                    self._say("250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mail_server() -> Generator[str]:
    """Provide the address of a mail server."""
    Mailbox.kept.clear()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"smtp://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
async def store(empty_url: str) -> AsyncGenerator[PortalStore]:
    """Provide a migrated store."""
    made = PortalStore(empty_url, (), lambda: NOW)
    await made.open()
    yield made
    await made.close()


def _links(visitor: Walker, address: str) -> list[str]:
    """Return the links in the messages to an address, the newest message first."""
    visitor.go("/api/v1/outbox")
    mails = [each["mail"] for each in visitor.reply.json()["mails"] if each["mail"]["to"] == address]
    return [re.sub(r"^http://[^/]+", "", re.findall(r"http://\S+", each["text"])[-1]) for each in mails]


def test_from_the_form_to_the_notice_and_off_the_list(portal: str, visitor: Walker, enter: Enter) -> None:
    editor = enter(OPERATOR)

    def ask(email: str) -> None:
        visitor.go("/interest")
        visitor.send("Ask for news", email=email, name="=Ada")
        assert "gets a message" in visitor.text

    ask("ada@moor.example")
    (link,) = _links(visitor, "ada@moor.example")
    editor.go("/interest/list")
    assert "ada@moor.example" not in editor.text
    visitor.go(link)
    visitor.send("Confirm")
    assert "You are on the list" in visitor.text
    ask("ADA@moor.example")
    assert len(_links(visitor, "ada@moor.example")) == 1
    assert _links(visitor, "ADA@moor.example") == []
    editor.go("/interest/list")
    assert "ada@moor.example" in editor.text
    editor.go("/interest/list.csv")
    assert "ada@moor.example,'=Ada" in editor.reply.text
    editor.go("/edit/new?kind=notice")
    for _ in range(2):  # a second version is not sent again
        editor.send("Publish", title="A change of A016", text="It books.", change="minor", on=SOON)
        assert "Published" in editor.text
    leave, _ = _links(visitor, "ada@moor.example")
    one_click = httpx.post(f"{portal}{leave}", data={"List-Unsubscribe": "One-Click"})
    assert (one_click.status_code, one_click.text) == (200, "Deleted.\n")
    editor.go("/interest/list")
    assert "ada@moor.example" not in editor.text
    assert _links(visitor, "ada@moor.example") == [], "her messages are deleted too"
    visitor.go(link)
    visitor.send("Confirm")
    assert "is not here any more" in visitor.text


def test_a_link_needs_its_code(visitor: Walker) -> None:
    visitor.go("/interest")
    visitor.send("Ask for news", email="eva@moor.example")
    (link,) = _links(visitor, "eva@moor.example")
    for wrong in (link.partition("?")[0], f"{link}0", link.replace("confirm", "leave"), "/interest/confirm/x?code=é"):
        visitor.go(wrong)
        assert visitor.reply.status_code == 404, wrong
        visitor.post(wrong)
        assert visitor.reply.status_code in {403, 404}, wrong


@pytest.mark.parametrize("email", ["", "nobody", f"{'a' * 250}@b.example", "1:victim@b.example", "[x]y@b.example"])
def test_a_wrong_address_is_refused(email: str, visitor: Walker) -> None:
    visitor.go("/interest")
    visitor.send("Ask for news", email=email)
    assert (visitor.reply.status_code, "There is a problem" in visitor.text) == (422, True)


@pytest.mark.anyio
async def test_messages_are_bounded_by_address_and_by_caller(store: PortalStore) -> None:
    for _ in range(MOST_A_DAY + 2):
        await store.interests.ask(Interest(email="ada@moor.example"), str, "one")
    assert len(await store.mails.latest()) == MOST_A_DAY
    for number in range(MOST_AN_HOUR):
        await store.interests.ask(Interest(email=f"p{number}@moor.example"), str, "two")
    with pytest.raises(TooMany):
        await store.interests.ask(Interest(email="more@moor.example"), str, "two")
    await store.interests.ask(Interest(email="more@moor.example"), str, "three")


@pytest.mark.anyio
async def test_an_address_that_nobody_confirms_is_deleted(empty_url: str) -> None:
    now = [NOW]
    store = PortalStore(empty_url, (), lambda: now[0])
    await store.open()
    ids: list[str] = []
    for name in ("kept", "gone"):
        await store.interests.ask(Interest(email=f"{name}@moor.example"), lambda id: ids.append(id) or id, "one")
    assert await store.interests.confirm(ids[0])
    now[0] += KEPT + timedelta(seconds=1)
    await store.interests.purge()
    assert not await store.interests.confirm(ids[1])
    assert [each.interest.email for each in await store.interests.all()] == ["kept@moor.example"]
    await store.close()


@pytest.mark.anyio
async def test_each_message_is_sent_once(store: PortalStore, mail_server: str) -> None:
    """By one of several senders. One that was killed while sending is not sent again, and one that fails is marked."""
    resting = Resting()
    for number in range(5):
        await store.interests.ask(Interest(email=f"p{number}@moor.example"), str, "one")
    killed = await store.mails.take()
    assert killed is not None
    send = Smtp(mail_server).send

    async def _all() -> None:
        while await send_one(store, send, Sender("portal@openers.example", HOST), resting):
            pass

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(_all)
    addressed = sorted(re.findall(r"^To: (\S+)", "\n".join(Mailbox.kept), re.MULTILINE))
    assert addressed == [f"p{number}@moor.example" for number in range(1, 5)]
    assert all("Message-ID: <portal-" in each for each in Mailbox.kept)
    await store.interests.ask(Interest(email="last@moor.example"), str, "one")
    assert await send_one(store, send, Sender("refused@openers.example", HOST), resting)
    states = [each.state for each in await store.mails.latest()]
    assert states == [Sending.FAILED, *[Sending.SENT] * 4, Sending.STARTED]


@pytest.mark.anyio
async def test_messages_wait_while_the_mail_server_is_away(empty_url: str, mail_server: str) -> None:
    """None is lost or tried in a row; after a day they have failed."""
    now = [NOW]
    store = PortalStore(empty_url, (), lambda: now[0])
    await store.open()
    resting = Resting(lambda: now[0].timestamp())
    for number in range(3):
        await store.interests.ask(Interest(email=f"p{number}@moor.example"), str, "one")
    away = Smtp("smtp://127.0.0.1:1").send
    assert not await send_one(store, away, Sender("portal@openers.example", HOST), resting)
    assert await send_one(store, Smtp(mail_server).send, Sender("later@openers.example", HOST), resting)
    assert [each.state for each in await store.mails.latest()] == [Sending.WAITING] * 3
    assert await send_one(store, Smtp(mail_server).send, Sender("portal@openers.example", HOST), resting)
    now[0] += GIVEN_UP + timedelta(seconds=1)
    for _ in range(2):
        assert not await send_one(store, away, Sender("portal@openers.example", HOST), resting)
    assert [each.state for each in await store.mails.latest()] == [Sending.FAILED, Sending.SENT, Sending.FAILED]
    await store.close()


@pytest.mark.anyio
async def test_a_message_that_is_refused_for_now_holds_no_other_up(store: PortalStore) -> None:
    """It rests, each time longer, and goes out when it is taken."""
    now, tried, refuses = [0.0], list[str](), [True]
    resting = Resting(lambda: now[0])
    for name in ("unknown", "known"):
        await store.interests.ask(Interest(email=f"{name}@moor.example"), str, "one")

    def _send(made: EmailMessage) -> None:
        tried.append(str(made["To"]).partition("@")[0])
        if refuses[0] and tried[-1] == "unknown":
            raise Later("450")

    async def _round(seconds: float) -> list[str]:
        now[0] += seconds
        tried.clear()
        while await send_one(store, _send, Sender("portal@openers.example", HOST), resting):
            pass
        return list(tried)

    assert await _round(0) == ["unknown", "known"]
    assert await _round(59) == []
    assert await _round(2) == ["unknown"]
    assert await _round(61) == []
    refuses[0] = False
    assert await _round(60) == ["unknown"]
    assert [each.state for each in await store.mails.latest()] == [Sending.SENT] * 2


@pytest.mark.anyio
async def test_who_leaves_the_list_keeps_the_mail_of_the_desk(store: PortalStore) -> None:
    ids = list[str]()
    await store.interests.ask(Interest(email="two@moor.example"), lambda id: ids.append(id) or id, "one")
    await store.mails.send(Mail(to="two@moor.example", subject="Your question", text="Confirm it"), "question 1")
    await store.interests.leave(ids[0])
    assert [each.mail.subject for each in await store.mails.latest()] == ["Your question"]


def test_one_network_is_one_caller() -> None:
    key = b"k" * 32
    assert source(key, "2001:db8::1") == source(key, "2001:db8::2:3") != source(key, "2001:db8:0:1::1")
    assert source(key, "192.0.2.1") != source(key, "192.0.2.2")


@pytest.mark.anyio
async def test_a_message_that_no_header_can_have_is_marked_and_the_next_one_is_sent(
    store: PortalStore, mail_server: str
) -> None:
    resting = Resting()
    await store.interests.ask(Interest(email="one@moor.example\r\nBcc: two@moor.example"), str, "one")
    await store.interests.ask(Interest(email="two@moor.example"), str, "one")
    while await send_one(store, Smtp(mail_server).send, Sender("portal@openers.example", HOST), resting):
        pass
    assert [each.state for each in await store.mails.latest()] == [Sending.SENT, Sending.FAILED]
    assert announcement(Interest(email="a@b.example"), "One\ntwo", "page", "leave").subject == "One two"


def test_a_message_to_a_list_can_be_left_by_one_click() -> None:
    made = message(
        Mail(to="a@b.example", subject="S", text="T", leave="https://x.example/leave"), "p@x.example", 7, "x"
    )
    assert (made["List-Unsubscribe"], made["List-Unsubscribe-Post"]) == (
        "<https://x.example/leave>",
        "List-Unsubscribe=One-Click",
    )


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://"])
def test_a_mail_server_in_another_form_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="PORTAL_SMTP must be like"):
        Settings(base_url="", issuer="", documentation="", state=tmp_path, store="", key=tmp_path, smtp=url)
