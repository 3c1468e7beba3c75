"""Mail that the portal sends, and the links in it. A link is proved by a code, so that no secret of a person is stored.

Source: rules part 2, chapter 11 (interest list: double opt-in, one-click unsubscribe).
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from email.message import EmailMessage
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Final

import msgspec

LONGEST_ADDRESS: Final = 254
"""Maximum characters of an e-mail address (RFC 5321)."""


IPV6: Final = 6


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A message. `leave` is the address for one-click unsubscribing (RFC 8058), if it goes to a list."""

    to: str
    subject: str
    text: str
    leave: str = ""


class Sending(StrEnum):
    """How far a message is. `STARTED` after a crash: it is not known whether it was sent, and it is not sent again."""

    WAITING = "waiting"
    STARTED = "started"
    SENT = "sent"
    FAILED = "failed"


class Link(StrEnum):
    """What a link in a message does."""

    CONFIRM = "confirm"
    LEAVE = "leave"
    ASK = "ask"


def code(key: bytes, link: Link, id: str) -> str:
    """Return the code that proves a link to the record `id`."""
    return hmac.digest(key, f"mail {link} {id}".encode(), "sha256").hex()[:40]


def is_code(key: bytes, link: Link, id: str, sent: str) -> bool:
    """Return whether a link carries its code; the time of the comparison tells nothing."""
    return hmac.compare_digest(code(key, link, id).encode(), sent.encode("utf-8", "replace"))


def source(key: bytes, address: str) -> str:
    """Return what stands for the network of a caller in the limits; the address is not stored.

    Of IPv6 it is the network of 64 bits, since one caller has all its addresses.
    """
    with suppress(ValueError):
        if ip_address(address).version == IPV6:
            address = str(ip_network(f"{address}/64", strict=False))
    return hmac.digest(key, f"source {address}".encode(), "sha256").hex()[:40]


def message(mail: Mail, sender: str, id: int, host: str) -> EmailMessage:
    """Return a message as it is sent. The same id has the same Message-ID, so that a receiver knows a repetition."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, mail.to, mail.subject
    made["Message-ID"] = f"<portal-{id}@{host}>"
    if mail.leave:
        made["List-Unsubscribe"] = f"<{mail.leave}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(mail.text)
    return made
