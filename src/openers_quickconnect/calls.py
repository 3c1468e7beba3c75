"""The calls that a page has made, for its view as API."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from openers_client.transport import Reply, Request

MOST_CALLS: Final = 20
MOST_CHARACTERS: Final = 4000
"""Characters of a body that a page shows."""
HIDDEN: Final = frozenset({"authorization"})


@dataclass(frozen=True)
class PageCall:
    """One call: the request without its token, and the reply."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    status: int
    reply: str

    @property
    def short(self) -> str:
        """Return the path of the operation."""
        parts = urlsplit(self.url)
        return (parts.path.partition("/referrals/FHIR")[2] or parts.path) + (f"?{parts.query}" if parts.query else "")

    @property
    def http(self) -> str:
        """Return the request as HTTP."""
        head = [f"{self.method} {self.url}", "Authorization: Bearer $TOKEN"]
        head += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\n".join(head) + (f"\n\n{self.body}" if self.body else "")

    @property
    def curl(self) -> str:
        """Return the request as a command."""
        parts = ["curl -sS", '-H "Authorization: Bearer $TOKEN"']
        parts += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in self.headers.items()]
        if self.method != "GET":
            parts.append(f"-X {self.method}")
        if self.body:
            parts.append(f"--data {shlex.quote(self.body)}")
        return " \\\n  ".join([*parts, shlex.quote(self.url)])


CALLS: Final[ContextVar[list[PageCall] | None]] = ContextVar("calls of this page", default=None)


def note(call: PageCall) -> None:
    """Add a call to those of the current page."""
    calls = CALLS.get()
    if calls is not None and len(calls) < MOST_CALLS:
        calls.append(call)


def watch(request: Request, reply: Reply) -> None:
    """Note a call of the client, without its token."""
    headers = shown_headers(request.headers)
    note(
        PageCall(
            method=request.method,
            url=request.url,
            headers=headers,
            body=shown_body(request.text) if request.text else "",
            status=reply.status,
            reply=shown_body(reply.body),
        )
    )


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that a reader may see and repeat."""
    return {name: value for name, value in headers.items() if name.lower() not in HIDDEN}


def shown_body(body: bytes) -> str:
    """Return a body as indented JSON or text, cut to what a page shows."""
    try:
        found: Any = json.loads(body)
    except ValueError:
        text = body.decode("utf-8", "replace") if b"\x00" not in body[:200] else f"({len(body)} bytes)"
    else:
        text = json.dumps(found, indent=1, ensure_ascii=False)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}\n… {len(text)} characters in all"
