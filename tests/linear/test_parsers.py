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
    "exchange log": lambda text: list(read_ndjson(text.splitlines())),
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

OURS: Final = "our own"
"""Marks input that comes from the package, the operator or our own store, never from a caller."""
SITES: Final[dict[str, str]] = {
    "openers/api/admin/reading.py: fromisoformat": "date",
    "openers/api/admin/reading.py: parse_qsl": "query",
    "openers/api/admin/reading.py: urlsafe_b64decode": "cursor of the administration",
    "openers/api/call.py: parse_qsl": "query",
    "openers/api/legacy/assembly.py: fromisoformat": "date",
    "openers/identity/professional/tickets.py: unquote": "log-in token",
    "openers/wire/dstu2/acts.py: b64decode": "file of the alpha API",
    "openers/wire/session_v1/bodies.py: parse_any": "body of the session API",
    "openers/api/http/media.py: parse_qsl": "query",
    "openers/api/http/media.py: decode_header": "file name",
    "openers/api/oauth/browser.py: urlsplit": "address",
    "openers/api/oauth/reading.py: b64decode": "client by Basic",
    "openers/api/oauth/reading.py: parse_qsl": "query",
    "openers/api/oauth/reading.py: unquote_plus": "client by Basic",
    "openers/api/oauth/remote.py: decode": "any JSON",
    "openers/api/oauth/remote.py: urlsplit": "address",
    "openers/api/exchanges/line.py: Decoder": OURS,
    "openers/api/exchanges/line.py: unquote": "query",
    "openers_assurance/reading.py: Decoder": "exchange log",
    "openers_assurance/reading.py: decode": "HAR file",
    "openers_assurance/reading.py: unquote": "HAR file",
    "openers_assurance/reading.py: urlsplit": "HAR file",
    "openers_assurance/register.py: loads": OURS,
    "openers_portal/store/statements.py: decode": OURS,
    "openers_web/xlsx_files.py: ZipFile": OURS,
    "openers/api/routes.py: SequenceMatcher": "path",
    "openers/paper/message_text.py: _Reader": "message",
    "openers/paper/message_text.py: clean": "message",
    "openers/files/signed_addresses.py: Decoder": "signed address",
    "openers/files/signed_addresses.py: urlsafe_b64decode": "signed address",
    "openers/files/word_documents.py: ZipFile": "file content",
    "openers/files/sniffing.py: guess": "file content",
    "openers/identity/jose.py: decode": "token",
    "openers/identity/jose.py: extract_compact": "token",
    "openers/identity/redirects.py: urlsplit": "redirect",
    "openers/pas/connector.py: urlsplit": "address",
    "openers_portal/pages/catalogue.py: fromisoformat": "date",
    "openers_portal/pages/editing.py: fromisoformat": "date",
    "openers_quickconnect/pages/advice.py: clean": "message",
    "openers_quickconnect/calls.py: loads": "any JSON",
    "openers_quickconnect/pages/registers.py: decode": "any JSON",
    "openers_quickconnect/records.py: fromisoformat": "date",
    "openers_quickconnect/sealed.py: urlsafe_b64decode": "signed address",
    "openers/tls/reading.py: b64decode": "certificate of a proxy",
    "openers/domain/services/poll_report.py: decode": "row of a poll",
    "openers/pas/fhir.py: Decoder": "slots of a PAS",
    "openers/neighbours/access_token.py: decode": "any JSON",
    "openers/neighbours/ods.py: Decoder": "organisation of ODS",
    "openers/neighbours/ods.py: fromisoformat": "organisation of ODS",
    "openers/worlds/mocks/ods.py: decode": OURS,
    "openers/neighbours/pds_patient.py: Decoder": "patient of PDS",
    "openers/neighbours/pds_patient.py: fromisoformat": "patient of PDS",
    "openers/worlds/mocks/faults.py: decode": "any JSON",
    "openers/worlds/mocks/pds.py: decode": "any JSON",
    "openers/worlds/mocks/serving.py: decode": OURS,
    "openers/key_files.py: decode": OURS,
    "openers/wire/admin/translating.py: Decoder": "record of the administration",
    "openers/wire/admin/translating.py: decode": "record of the administration",
    "openers/wire/instants.py: fromisoformat": "instant",
    "openers/wire/json.py: Decoder": "FHIR body",
    "openers/wire/json.py: parse_any": "FHIR body",
    "openers/domain/webhooks.py: b64decode": "webhook secret",
    "openers/identity/professional/tickets.py: b64decode": "log-in token",
    "openers/usecases/events/webhooks.py: urlsplit": "address",
    "openers/worlds/http/control.py: decode": "any JSON",
    "openers/worlds/http/control.py: urlsplit": "address",
    "openers/cli/admin/services.py: loads": OURS,
    "openers/cli/admin/services.py: urlsplit": OURS,
    "openers/store/registers/services.py: fromisoformat": OURS,
    "openers/worlds/recording/hidden.py: loads": "any JSON",
    "openers/worlds/recording/hidden.py: parse_qs": "call in the inspector",
    "openers_testpas/system.py: decode": OURS,
    "openers/worlds/recording/contract.py: parse_any": "call in the inspector",
    "openers/worlds/recording/contract.py: parse_qs": "call in the inspector",
    "openers/worlds/recording/contract.py: unquote": "call in the inspector",
    "openers/worlds/recording/export.py: parse_qsl": "query",
    "openers/worlds/recording/masking.py: parse_qsl": "form in the inspector",
    "openers/worlds/recording/masking.py: parse_any": "body in the inspector",
    "openers/wire/stu3/kinds.py: fromisoformat": "date",
    "openers/worlds/running/moments.py: parse_qsl": "record that a request names",
    "openers_web/addresses.py: b64decode": "cursor",
    "openers_web/addresses.py: decode": "cursor",
    "openers_web/csrf.py: urlsplit": "address",
    "openers_web/form.py: parse_qsl": "form of a page",
    "openers_testpas/api.py: decode": "any JSON",
    "openers_testpas/auth.py: decode": "any JSON",
    "openers_testpas/auth.py: extract_compact": "token",
    "openers_testpas/control.py: decode": "any JSON",
    "openers_testpas/pages/routes.py: fromisoformat": "date",
    "openers_testpas/slot_query.py: decode": "query of the Test PAS",
    "openers_testpas/slot_query.py: fromisoformat": "query of the Test PAS",
    "openers_testpas/slot_query.py: urlsafe_b64decode": "query of the Test PAS",
    **dict.fromkeys(
        (
            "openers/api/examples/__init__.py: decode",
            "openers/api/examples/__init__.py: parse_qsl",
            "openers/api/http/hosts.py: urlsplit",
            "openers/api/legacy/catalogue.py: loads",
            "openers/cli/admin/calls.py: decode",
            "openers/cli/admin/kinds.py: loads",
            "openers/cli/admin/tables.py: loads",
            "openers/wire/admin/cells.py: loads",
            "openers/cli/control.py: loads",
            "openers/identity/registered_keys.py: loads",
            "openers/cli/token.py: loads",
            "openers/files/scanning.py: urlsplit",
            "openers/paper/typesetter.py: decode",
            "openers/domain/bank_holidays.py: fromisoformat",
            "openers/places.py: unquote",
            "openers/places.py: urlsplit",
            "openers/reference/tables.py: DictReader",
            "openers/reference/tables.py: fromisoformat",
            "openers/settings.py: loads",
            "openers/settings.py: urlsplit",
            "openers/store/postgres_copies.py: urlsplit",
            "openers/store/engine/statements.py: Decoder",
            "openers/testing/world.py: fromisoformat",
            "openers/tls/authority_files.py: decode",
            "openers/usecases/booking/link_pas.py: urlsplit",
            "openers/worlds/contents/archive.py: ZipFile",
            "openers/worlds/http/collection_routes.py: ZipFile",
            "openers/worlds/contents/archive.py: b64decode",
            "openers/worlds/contents/archive.py: decode",
            "openers/worlds/packs/loaded.py: decode",
            "openers/worlds/running/in_process.py: urlsplit",
            "openers/usecases/world.py: urlsplit",
            "openers/web/home.py: urlsplit",
            "openers/worlds/http/world_page.py: urlsplit",
            "openers/worlds/running/kept.py: decode",
            "openers/worlds/running/kept.py: urlsplit",
            "openers/worlds/running/linked_pas.py: urlsplit",
            "openers/worlds/packs/acts.py: loads",
            "openers/worlds/packs/reading.py: loads",
            "openers/worlds/running/snapshots.py: decode",
            "openers/worlds/running/pack_player.py: loads",
            "openers_client/fhir.py: fromisoformat",
            "openers_client/http.py: loads",
            "openers_client/http.py: urlsplit",
            "openers_client/log_in.py: _Form",
            "openers_client/log_in.py: _Words",
            "openers_client/log_in.py: parse_qs",
            "openers_client/log_in.py: urlsplit",
            "openers_client/loopback.py: parse_qsl",
            "openers_client/loopback.py: urlsplit",
            "openers_client/transport.py: decode",
            *("openers_portal/app.py: decode", "openers_portal/environment.py: decode"),
            *("openers_portal/pages/public.py: loads", "openers_portal/rules/bundles.py: ZipFile"),
            *("openers_portal/rules/catalogue.py: loads", "openers_portal/settings.py: loads"),
            *("openers_portal/store/cases.py: decode", "openers_portal/store/endpoints.py: decode"),
            *("openers_portal/store/items.py: decode", "openers_portal/store/partners.py: decode"),
            "openers_quickconnect/calls.py: urlsplit",
            "openers_quickconnect/key_stores.py: loads",
            "openers_quickconnect/pages/services/seeing.py: fromisoformat",
            "openers_quickconnect/world_clock.py: fromisoformat",
            "openers_quickconnect/terminal/check.py: urlsplit",
            "openers_web/log_in/gate.py: urlsplit",
            "openers_web/log_in/provider.py: decode",
            "openers_web/sessions.py: decode",
            "openers_testpas/__main__.py: decode",
            "openers_testpas/hospital/bank_holidays.py: fromisoformat",
            "openers_testpas/outbound/service.py: decode",
        ),
        OURS,
    ),
}
"""The row of `PARSERS` that covers each use."""


def test_every_use_of_a_parser_has_a_row() -> None:
    assert set(uses()) == set(SITES)
    assert set(SITES.values()) <= {OURS, *PARSERS}
