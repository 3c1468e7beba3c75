"""Every parser of input from callers is linear, and every use of a parser is listed: a new use needs a row here."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from openers.api import operations
from openers.api.admin.reading import window_of
from openers.api.http.media import accepts, disposition, file_name_of, is_fhir_json, media_of
from openers.api.oauth.reading import read_client
from openers.api.openapi import openapi_document
from openers.api.registry import REGISTRY
from openers.api.routes import Routes, likeness
from openers.domain.administration.rights import Resource as AdminResource
from openers.domain.advice import LONGEST_MESSAGE, MessageText
from openers.domain.clock import Instant
from openers.domain.directory import Organisation
from openers.domain.file_types import EXTENSIONS, check_file
from openers.domain.identifiers import ServiceId
from openers.domain.services.poll_report import masked
from openers.domain.slots import PolledSlot
from openers.domain.webhooks import PREFIX, signing_key
from openers.files.signed_addresses import SignedAddresses
from openers.files.sniffing import HEAD, TAIL, FileEnds, is_what_it_says
from openers.identity.jose import take_apart
from openers.identity.professional.tickets import as_sent, reader_in
from openers.identity.redirects import is_registered
from openers.paper.message_text import as_html, as_plain
from openers.pas.fhir import read_notification, read_slot_page
from openers.telemetry.redaction import redact
from openers.tls.reading import der_of_header
from openers.usecases.administration.refusals import Malformed
from openers.wire.admin.translating import UnreadableRecord, read_record
from openers.wire.dstu2.acts import read_letter_change
from openers.wire.instants import read_instant
from openers.wire.json import Json, parse
from openers.wire.session_v1.bodies import read_selection, read_token
from openers.worlds.recording.contract import Document, Heard
from openers.worlds.recording.masking import Masker
from openers.worlds.recording.repeats import Repeats
from openers.worlds.running.moments import named_in
from openers_assurance import read_har, read_ndjson
from openers_testpas.slot_query import read_slot_query
from openers_web.addresses import read_cursor
from openers_web.form import parse_form
from tests.linear import neighbours
from tests.linear.measure import Hostile, slow_at
from tests.linear.parser_sites import OURS, SITES
from tests.linear.parsers import uses

assert operations, "importing them fills the registry"
ROUTES: Final = Routes(REGISTRY)
Read = Callable[[str], object]


class _Sent:
    """A request that carries an Authorization header."""

    def __init__(self, value: str) -> None:
        self.headers = {"authorization": value}


class _Clock:
    def now(self) -> Instant:
        return datetime.now(UTC)


def _signed(text: str) -> object:
    return SignedAddresses(b"k" * 32, _Clock(), timedelta(1)).read(text, "http://127.0.0.1")


def _sniffed(text: str) -> object:
    ends = FileEnds((content := text.encode())[:HEAD], content[-TAIL:], len(content))
    return [is_what_it_says(each, ends) for each in EXTENSIONS]


def _repeated(text: str) -> object:
    found, half = Repeats(), len(text) // 2
    found.remember(text[:half])
    for word in text[:half].split(" "):
        found.remember(word)
    return found.masked(text[half:])


def _shown(text: str) -> object:
    message = MessageText(text[:LONGEST_MESSAGE])  # a longer one is refused
    return as_html(message), as_plain(message)


DOCUMENT: Final = Document(openapi_document("http://127.0.0.1"), "")


def _inspected(text: str) -> object:
    found = DOCUMENT.operation("POST", "/STU3/ReferralRequest/$ers.createReferral")
    assert found is not None
    headers = {"content-type": "application/fhir+json", "accept": text}
    sent = Heard(headers=headers, body=text.encode(), query=text)
    return DOCUMENT.operation("GET", text), list(islice(DOCUMENT.of_request(found[1], sent), 50))


def _client(text: str) -> object:
    sent: Any = _Sent(f"Basic {text}")
    empty: Any = {}
    return read_client(sent, empty)


def _record(text: str) -> object:
    with suppress(UnreadableRecord):
        return read_record(AdminResource.ORGANISATIONS, text.encode(), Organisation)
    body = json.dumps({"ods": "R69", "name": text, "kind": text, "postcode": "LS1 4AP"})
    with suppress(UnreadableRecord):
        return read_record(AdminResource.ORGANISATIONS, body.encode(), Organisation)


def _cursor(text: str) -> object:
    with suppress(Malformed):
        return window_of(AdminResource.PEOPLE, {"cursor": text, "limit": text})


def _inserted(text: str) -> object:
    entry: Json = {"data": text, "title": "a", "contentType": "text/plain"}
    resource: Json = {"entry": [entry]}
    return read_letter_change({"parameter": [{"name": "attachmentsToInsert", "resource": resource}]})


def _polled(text: str) -> PolledSlot:
    moment = datetime(2031, 3, 3, tzinfo=UTC)
    return PolledSlot(pas_id="1", usrn="1", start=moment, end=moment, priorities=frozenset(), sent=text.encode())


def _har_of(text: str) -> object:
    """Read a HAR file with a call whose address and reply hold the text."""
    url = f"https://ers.example/referrals/FHIR/STU3/Slot/{text}?{text}"
    request = {"method": "GET", "url": url, "postData": {"text": text}}
    response = {"status": 400, "content": {"text": text}}
    entry = {"startedDateTime": "2026-03-02T09:00:00Z", "request": request, "response": response}
    return list(read_har(msgspec.json.encode({"log": {"entries": [entry]}})))


PARSERS: Final[dict[str, Read]] = {
    "HAR file": _har_of,
    "exchange log": lambda text: list(read_ndjson(text.split("\n"))),
    "cursor": lambda text: read_cursor(text, tuple[str, int]),
    "form of a page": lambda text: parse_form(text.encode()),
    "FHIR body": lambda text: parse(text.encode()),
    "body in the inspector": lambda text: Masker().body(text.encode(), "application/fhir+json"),
    "form in the inspector": lambda text: Masker().body(text.encode(), "application/x-www-form-urlencoded"),
    "notification of a PAS": lambda text: read_notification(text.encode()),
    "slots of a PAS": lambda text: read_slot_page(text.encode(), ServiceId("1"), len(text)),
    "patient of PDS": neighbours.patient_of_pds,
    "organisation of ODS": neighbours.organisation_of_ods,
    "row of a poll": lambda text: masked(_polled(text)),
    "query of the Test PAS": lambda text: read_slot_query([("start", f"ge{text}"), ("_page", text)]),
    "log line": redact,
    "repeats": _repeated,
    "Accept": lambda text: accepts(text, "application/fhir+json"),
    "Content-Type": lambda text: (is_fhir_json(text), media_of(text)),
    "file name": lambda text: (file_name_of(text.encode("utf-8", "replace")), disposition(text)),
    "file type": lambda text: check_file(text, "text/plain"),
    "file content": _sniffed,
    "message": _shown,
    "instant": read_instant,
    "path": lambda text: (ROUTES.find(text), ROUTES.nearest(text), likeness("/STU3/Slot", text)),
    "token": take_apart,
    "client by Basic": _client,
    "redirect": lambda text: is_registered(text, ["http://127.0.0.1/callback"]),
    "signed address": _signed,
    "record of the administration": _record,
    "cursor of the administration": _cursor,
    "webhook secret": lambda text: signing_key(PREFIX + text),
    "address": lambda text: (urlsplit(text).hostname, urlsplit(text).port),
    "query": lambda text: parse_qsl(text, keep_blank_values=True),
    "date": date.fromisoformat,
    "any JSON": lambda text: msgspec.json.decode(text.encode(), type=dict[str, str]),
    "call in the inspector": _inspected,
    "certificate of a proxy": lambda text: der_of_header(text.encode()),
    "record that a request names": lambda text: named_in(text, text, text),
    "log-in token": lambda text: reader_in(as_sent(text)),
    "body of the session API": lambda text: (read_token(text.encode()), read_selection(text.encode(), None)),
    "file of the alpha API": _inserted,
}
HOSTILE: Final = tuple(
    Hostile(unit, start, end)
    for unit in (
        "a",
        "0",
        "/",
        "%",
        "%41",
        "&",
        "=a&",
        ".",
        ":",
        ";",
        ",",
        '"',
        '\\"',
        "é",
        " ",
        "\x00",
        "<",
        "<a>",
        "a ",
    )
    for start, end in (("", ""), ("{", "}"))
)
SPECIAL: Final = (
    Hostile("{"),
    Hostile("["),
    Hostile('{"a":'),
    Hostile("[{},", "{"),
    Hostile('"a":1,', "{", '"b":2}'),
    Hostile("1", '{"a":', "}"),
    Hostile("\\u0041", '{"a":"', '"}'),
    Hostile('{"family":"abc"},', '{"a":[', '{"b":"abc"}]}'),
    Hostile('{"family":"a b c d"},{"x":"a b c d e"},', '{"a":[', '{"b":"abc"}]}'),
    Hostile("=?utf-8?q?"),
    Hostile("=?a?q?b"),
    Hostile("=?"),
    Hostile("=?utf-8?b?YQ==?= "),
    Hostile("a=", "application/json;"),
    Hostile("<a href=http://a>b</a>"),
    Hostile("<p>a"),
    Hostile("<!--"),
    Hostile("<!"),
    Hostile("&amp;"),
    Hostile("&#"),
    Hostile("<li><ul>"),
    Hostile("<?xml"),
    Hostile("PK\x05\x06"),
    Hostile("a", "eyJhbGciOiJSUzUxMiJ9.", ".a"),
    Hostile("eyJ."),
    Hostile("http://127.0.0.1:"),
    Hostile("[", "http://"),
)


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_is_linear(name: str) -> None:
    def _read(text: str) -> object:
        with suppress(Exception):  # a refusal is a valid result
            return PARSERS[name](text)
        return None

    slow = [slow_at(_read, each) for each in (*SPECIAL, *HOSTILE)]
    assert [each for each in slow if each] == []


# ------------------------------------------------------------ uses of parsers, and the row of `PARSERS` that tests each


def test_every_use_of_a_parser_has_a_row() -> None:
    assert set(uses()) == set(SITES)
    assert set(SITES.values()) <= {OURS, *PARSERS}
