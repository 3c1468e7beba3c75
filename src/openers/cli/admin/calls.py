"""Call the administration API of a running service as a registered application."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from inspect import Parameter, signature
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Concatenate, Final, NamedTuple
from urllib.parse import quote, urlencode
from uuid import uuid4

import msgspec
import typer

from openers.cli.control import HERE, BaseUrl
from openers.cli.problems import told_in_one_line
from openers.cli.token import known_key
from openers.domain.administration.rights import Resource
from openers_client import LogInFailed, ServiceUnreachable, application_token
from openers_client.http import Answer, Channel

DEMO_CLIENT: Final = "demo-ops"
PREFIX: Final = "/admin/v1"
MOST_ON_A_PAGE: Final = 250
BUSY: Final = frozenset({423, 429, 503})
"""Replies after which the same call may succeed."""
ATTEMPTS: Final = 20
LONGEST_PAUSE_S: Final = 10.0
PATIENCE_S: Final = 60
"""How many seconds a call waits for its reply."""

ClientId = Annotated[
    str, typer.Option("--client-id", envvar="OPENERS_ADMIN_CLIENT_ID", help="The application that administers.")
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key",
        envvar="OPENERS_ADMIN_KEY",
        help="Its private key, a JSON Web Key; not needed for the applications of the demo world.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything and change nothing.")]


class Refused(ValueError):
    """The service refuses a call; the text has a line for each fault and for each stored value."""

    def __init__(self, answer: Answer) -> None:
        """Read the problem in the reply."""
        problem = answer.json()
        lines = [_line(each, answer.status) for each in problem.get("findings") or [problem]]
        stored = problem.get("difference") or ()
        lines += [f"{json.dumps(each['stored'])} is stored ({each['place']})" for each in stored]
        super().__init__("\n".join(lines))


class Found(NamedTuple):
    """A record with its version."""

    key: str
    version: int
    value: dict[str, Any]


class Changed(NamedTuple):
    """The result of a change (created, replaced, unchanged), and the record after it."""

    result: str
    value: dict[str, Any]


class Administration:
    """The administration API, with a token that is renewed when it has expired."""

    def __init__(self, base_url: str, client_id: str, key: Mapping[str, str]) -> None:
        """Store who calls where. The first call gets the token, and may raise LogInFailed."""
        self._base_url, self._client_id, self._key = base_url, client_id, key
        self._channel = Channel(base_url, PATIENCE_S)
        self._token = ""

    def find(self, resource: Resource, key: str) -> Found | None:
        """Return a record; `None` if there is none. Raises Refused, ServiceUnreachable."""
        answer = self._send("GET", _path(resource, key))
        if answer.status == 404:
            return None
        value = _checked(answer).json()
        return Found(key, int(str(answer.headers.get("ETag", "0")).strip('"') or 0), value)

    def ask(
        self, method: str, path: str, body: Any = None, *, query: Mapping[str, str] | None = None, etag: str = ""
    ) -> Answer:
        """Return the reply to a call below the prefix. Raises Refused, ServiceUnreachable."""
        address = f"{PREFIX}/{quote(path)}" + (f"?{urlencode(query)}" if query else "")
        once = {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
        return _checked(self._send(method, address, body, once | ({"If-Match": etag} if etag else {})))

    def all(self, resource: str, organisation: str | None = None) -> Iterator[Found]:
        """Yield all records, in pages. Raises Refused, ServiceUnreachable."""
        asked = {"limit": str(MOST_ON_A_PAGE)} | ({} if organisation is None else {"organisation": organisation})
        while True:
            page = _checked(self._send("GET", f"{_path(resource)}?{urlencode(asked)}")).json()
            for item in page["items"]:
                yield Found(item["key"], item["version"], item["value"])
            if page["next"] is None:
                return
            asked["cursor"] = page["next"]

    def put(self, resource: Resource, record: Mapping[str, Any], known: Found | None, *, dry_run: bool) -> Changed:
        """Create a record, or replace the known one. Raises Refused, ServiceUnreachable."""
        key = str(next(iter(record.values()))) if known is None else known.key
        version = {"If-None-Match": "*"} if known is None else {"If-Match": f'"{known.version}"'}
        answer = self._send("PUT", _path(resource, key) + _rehearsal(dry_run), record, version)
        return Changed(str(_checked(answer).headers.get("X-OpenERS-Change", "")), answer.json())

    def put_many(self, resource: Resource, records: Sequence[Any], *, dry_run: bool) -> dict[str, Any]:
        """Create or replace several records in one act; return the counts and refusals.

        Raises Refused, ServiceUnreachable.
        """
        for attempt in count(1):
            answer = self._send("POST", f"{_path(resource)}/$batch{_rehearsal(dry_run)}", {"records": records})
            if answer.status not in BUSY or attempt == ATTEMPTS:
                return _checked(answer).json()
            time.sleep(_pause_s(answer))
        raise AssertionError("unreachable")

    def end(self, resource: Resource, key: str, on: str | None, *, dry_run: bool) -> Changed:
        """End a record, of any version. Raises Refused, ServiceUnreachable."""
        asked = ({"dry_run": "true"} if dry_run else {}) | ({} if on is None else {"on": on})
        path = _path(resource, key) + (f"?{urlencode(asked)}" if asked else "")
        answer = _checked(self._send("DELETE", path, None, {"If-Match": "*"}))
        return Changed(str(answer.headers.get("X-OpenERS-Change", "removed")), answer.json())

    def refresh(self, resource: Resource, key: str, *, dry_run: bool) -> Changed:
        """Bring a record up to date from its national source. Raises Refused, ServiceUnreachable."""
        answer = _checked(self._send("POST", f"{_path(resource, key)}/refresh{_rehearsal(dry_run)}"))
        return Changed(str(answer.headers.get("X-OpenERS-Change", "")), answer.json())

    def log_pages(self, path: str) -> Iterator[str]:
        """Yield the pages of a log until its present end. Raises Refused, ServiceUnreachable."""
        cursor = "0"
        while True:
            answer = _checked(self._send("GET", f"{path}?cursor={cursor}", None, {"Accept": "*/*"}))
            if not answer.text:
                return
            yield answer.text
            cursor = str(answer.headers.get("X-OpenERS-Cursor", ""))

    def register(self, resource: Resource, record: Mapping[str, Any]) -> dict[str, Any]:
        """Register a record to which the service gives its key. Raises Refused, ServiceUnreachable."""
        return _checked(self._send("POST", _path(resource), record)).json()

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _new_token(self) -> str:
        return application_token(self._base_url, self._client_id, self._key).access_token

    def _send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        more = {"Accept": "application/json", **(headers or {})}
        if content is not None:
            more["Content-Type"] = "application/json"
        self._token = self._token or self._new_token()
        answer = self._channel.send(method, path, content, {**more, "Authorization": f"Bearer {self._token}"})
        if answer.status == 401:
            self._token = self._new_token()
            answer = self._channel.send(method, path, content, {**more, "Authorization": f"Bearer {self._token}"})
        return answer


@contextmanager
def administration(base_url: str, client_id: str, key_file: Path | None) -> Generator[Administration]:
    """Lend the administration API; print failures in one line, with exit status 1."""
    with told_in_one_line():
        try:
            calls = Administration(base_url, client_id, private_key(client_id, key_file))
            try:
                yield calls
            finally:
                calls.close()
        except ServiceUnreachable as error:
            raise ValueError(f"{error}; give the address of the service with --base-url") from None
        except LogInFailed as error:
            raise ValueError(f"{client_id} gets no token: {error}; name it with --client-id and --key") from None


_SHARED: Final = {"base_url": (BaseUrl, HERE), "client_id": (ClientId, DEMO_CLIENT), "key_file": (KeyFile, None)}


def calling(command: Callable[Concatenate[Administration, ...], None]) -> Callable[..., None]:
    """Add the options of the service and of the application to a command, which receives the administration API."""
    own = signature(command, eval_str=True)
    shared = [
        Parameter(name, Parameter.KEYWORD_ONLY, annotation=of, default=usual) for name, (of, usual) in _SHARED.items()
    ]

    @wraps(command)
    def _run(**given: Any) -> None:
        with administration(*(given.pop(name) for name in _SHARED)) as calls:
            command(calls, **given)

    parameters = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in own.parameters.values()][1:] + shared
    _run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # Typer reads it
    _run.__annotations__ = {each.name: each.annotation for each in parameters}
    return _run


def private_key(client_id: str, key_file: Path | None) -> Mapping[str, str]:
    """Return the private key of the application. Raises ValueError, OSError."""
    if key_file is None:
        return known_key(client_id)
    try:
        key = msgspec.json.decode(key_file.read_bytes(), type=dict[str, str])
    except (msgspec.MsgspecError, ValueError):
        key = {}
    if not {"kid", "n", "e", "d"} <= key.keys():
        raise ValueError(f"{key_file} does not hold a private key as `openers admin key new` writes it")
    return key


def _line(problem: Mapping[str, Any], status: int) -> str:
    cause = problem.get("detail") or f"the service returned {status}"
    place, cure = problem.get("place"), problem.get("cure")
    text = f"{cause} ({place})" if place else str(cause)
    return f"{text}: {cure}" if cure else text


def _path(resource: str, key: str | None = None) -> str:
    return f"{PREFIX}/{resource}" + ("" if key is None else f"/{quote(key, safe='')}")


def _rehearsal(dry_run: bool) -> str:
    return "?dry_run=true" if dry_run else ""


def _pause_s(answer: Answer) -> float:
    """Return how many seconds to wait before the same call is sent again."""
    asked = str(answer.headers.get("Retry-After", ""))
    return min(float(asked), LONGEST_PAUSE_S) if asked.isascii() and asked.isdigit() else 0.5


def _checked(answer: Answer) -> Answer:
    """Return the reply. Raises Refused."""
    if answer.status >= 400:
        raise Refused(answer)
    return answer
