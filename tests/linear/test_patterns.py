"""No regular expression of the packages takes more time per character for longer input."""

from __future__ import annotations

import re
from typing import Final

import pytest

from openers.worlds.recording.contract import pattern_of
from openers_assurance.har import address_pattern
from tests.linear.measure import Hostile, slow_at
from tests.linear.patterns import Site, sites

ANY: Final = tuple(
    Hostile(unit, end=end)
    for unit in ("a", "A", "0", "-", " ", ".", "/", "<", "=", '"', "\\", '\\"', "\x00", "é", "a-", "1 ")
    for end in ("", "!")
)
"""Inputs that every pattern must handle."""
WORD: Final = (Hostile("aA0_", end="!"), Hostile("f", end="-"))
DIGITS: Final = (Hostile("1", end="x"), Hostile("9", end="-"))
HEX: Final = (Hostile("0", end="g"), Hostile("0-", end="g"))
URL: Final = (Hostile("https://"), Hostile("a:", "tcp://"), Hostile("/", "sqlite:///"))
MARKUP: Final = (Hostile("<?xml"), Hostile(" ", end="<"), Hostile("a.", "<", "<"), Hostile("a-b.c", end=":"))
QUOTED: Final = (Hostile('"'), Hostile('\\"', '"'), Hostile('",'), Hostile(",;"), Hostile('"a\\', end="\n"))
SECRET: Final = (
    Hostile("token"),
    Hostile("token "),
    Hostile("code" * 3 + " "),
    Hostile(" ", "client_secret", "x"),
    Hostile(" ", "authorization:", "&"),
    Hostile(" ", "authorization:'bearer", "&"),
    Hostile("authorization:"),
    Hostile("password=" + " " * 40),
    Hostile("bearer "),
    Hostile(" ", "bearer", ";"),
    Hostile("eyJ"),
    Hostile("eyJaaaaaaaa"),
    Hostile("eyJaaaaaaaa."),
    Hostile("aeyJ-"),
    Hostile("a", end="."),
    Hostile("f", end="é"),
    Hostile("00000000-"),
    Hostile("000 "),
    Hostile("é"),
)

CITED: Final = (
    Hostile("rules "),
    Hostile(" ", "rules", "x"),
    Hostile("1"),
    Hostile("1.", end="x"),
    Hostile(", ", f"rules {1}"),
    Hostile(" ", ",", "x"),
    Hostile(" ", " and", "x"),
    Hostile(", 1", "rows 1", "x"),
    Hostile(", A001", " A001", "x"),
    Hostile(" to A001", " A001", "x"),
    Hostile("(", " "),
    Hostile(" ", "", "("),
)

ROWS: Final[dict[str, tuple[Hostile, ...]]] = {
    "openers/api/admin/reading.py: _ENTITY_TAG": (Hostile("1", 'W/"'), Hostile("W/")),
    "openers/api/admin/reading.py: _IDEMPOTENCY_KEY": WORD,
    "openers/api/call.py: _ENTITY_TAG": (Hostile("1", 'W/"'),),
    "openers/api/files.py: _RANGE": (Hostile("1", "bytes="), Hostile("-", "bytes=1")),
    "openers/api/http/media.py: _ELEMENT": QUOTED,
    "openers/api/http/media.py: _NOT_PLAIN": WORD,
    "openers/api/http/media.py: _PART": QUOTED,
    "openers/api/legacy/dstu2.py: _FILE": (Hostile("1", "att-"), Hostile("1", "att-1-", "x")),
    "openers/api/oauth/browser.py: COOKIE_VALUE": WORD,
    "openers/api/oauth/reading.py: CONTROL": WORD,
    "openers/api/oauth/remote.py: _texts": WORD,
    "openers/api/oauth/wishes.py: MAX_AGE": DIGITS,
    "openers/api/openapi.py: _path_parameters.names": (Hostile("{"), Hostile("{a"), Hostile("a", "{")),
    "openers/api/examples/__init__.py: path_values.found": WORD,
    "openers/api/examples/__init__.py: path_values.parts": (Hostile("{"), Hostile("{a"), Hostile("a", "{")),
    "openers/api/http/upgrades.py: _NAME": (Hostile("\n"), Hostile("\nupgrade"), Hostile(" ", "\nupgrade", "x")),
    "openers/api/site.py: PLAIN_PATH": (Hostile("a"), Hostile("a/"), Hostile("a.", end="/"), Hostile("-/", end="!")),
    "openers/files/blob_keys.py: _KEY": HEX,
    "openers/files/sniffing.py: _UNPRINTABLE": WORD,
    "openers/files/trailers.py: _NAME": WORD,
    "openers/files/trailers.py: _VIDEO": (Hostile("\0", "\xff\xd9"), Hostile("\xff\xd9"), Hostile("\xff\xd9\0")),
    "openers/files/word_documents.py: _ACTIVE_TYPE": WORD,
    "openers/files/word_documents.py: _LOCAL": (*WORD, Hostile("file:"), Hostile("a", end="/")),
    "openers/identity/access.py: _BEARER": (Hostile(" ", "bearer"), Hostile("a", "bearer "), Hostile("=", "bearer a")),
    "openers/places.py: base_of": WORD,
    "openers/places.py: files_of": WORD,
    "openers/worlds/recording/citations.py: Citation.__str__.is_operation": CITED,
    "openers/worlds/recording/citations.py: _MALFORMED": CITED,
    "openers/worlds/recording/citations.py: _NEXT": CITED,
    "openers/worlds/recording/citations.py: _NUMBER": CITED,
    "openers/worlds/recording/citations.py: _ODDITY": CITED,
    "openers/worlds/recording/citations.py: _OPERATIONS": CITED,
    "openers/worlds/recording/citations.py: _REMARK": CITED,
    "openers/worlds/recording/citations.py: _REST_OF_REMARK": CITED,
    "openers/worlds/recording/citations.py: _ROWS": CITED,
    "openers/worlds/recording/citations.py: _START": CITED,
    "openers/worlds/recording/citations.py: _items #2": CITED,
    "openers/worlds/recording/citations.py: _items": CITED,
    "openers/worlds/recording/citations.py: _operations.spans": CITED,
    "openers/worlds/http/world_routes.py: NewWorld.pas": URL,
    "openers/worlds/http/world_routes.py: FileName": WORD,
    "openers/worlds/packs/acts.py: GAP": (Hostile("${"), Hostile("${a"), Hostile("a", "${")),
    "openers/worlds/packs/reading.py: KEY_NAME": WORD,
    "openers/worlds/packs/reading.py: world_name": WORD,
    "openers/worlds/running/moments.py: IF_MATCH": (Hostile("1", 'W/"'), *QUOTED),
    "openers/worlds/running/moments.py: NAMED": (Hostile("Appointment/1/_history/"), Hostile("Appointment/"), *DIGITS),
    "openers/worlds/running/moments.py: UBRN": (Hostile("|"), Hostile("1|"), *DIGITS),
    "openers/files/sniffing.py: _XML_START": MARKUP,
    "openers/files/sniffing.py: _PAGE": (*MARKUP, Hostile("<a"), Hostile("<a:"), Hostile("a", "<")),
    "openers/files/sniffing.py: _OTHER_TEXT": MARKUP,
    "openers/paper/typesetter.py: _NAME_PARTS": (Hostile("aA"),),
    "openers/domain/access_code.py: AccessCode.pattern": WORD,
    "openers/domain/access_code.py: _SEPARATORS": (Hostile(" -", end="a"), Hostile("- a")),
    "openers/domain/identifiers.py: AppointmentId.pattern": DIGITS,
    "openers/domain/identifiers.py: AttachmentId.pattern": DIGITS,
    "openers/domain/identifiers.py: CommunicationId.pattern": DIGITS,
    "openers/domain/identifiers.py: FileId.pattern": (*HEX, Hostile("1", "att-"), Hostile("0000-", "00000000-")),
    "openers/domain/identifiers.py: NHS_NUMBER_IN_TEXT": (*DIGITS, *SECRET),
    "openers/domain/identifiers.py: NhsNumber.pattern": DIGITS,
    "openers/domain/identifiers.py: OdsCode.pattern": WORD,
    "openers/domain/identifiers.py: Postcode.pattern": (Hostile("A1 "), Hostile("A")),
    "openers/domain/identifiers.py: RequestId.pattern": (Hostile("-0000", "r.00000000"), *HEX),
    "openers/domain/identifiers.py: ServiceId.pattern": DIGITS,
    "openers/domain/identifiers.py: SlotId.pattern": DIGITS,
    "openers/domain/identifiers.py: SnomedCode.pattern": DIGITS,
    "openers/domain/identifiers.py: Ubrn.pattern": DIGITS,
    "openers/domain/identifiers.py: UserId.pattern": DIGITS,
    "openers/domain/identifiers.py: VersionNumber.pattern": DIGITS,
    "openers/identity/clients.py: CLIENT_ID": WORD,
    "openers/identity/log_in.py: CHALLENGE": WORD,
    "openers/identity/professional/tickets.py: _SANDPIT": (
        Hostile(" x", "555032006106"),
        Hostile("x", "555032006106 "),
    ),
    "openers/identity/redirects.py: ON_THIS_MACHINE": (
        Hostile("http://127.0.0.1:"),
        Hostile("/", "http://[::1]", "\\"),
        *URL,
        *DIGITS,
    ),
    "openers/identity/log_in.py: VERIFIER": (Hostile("~"), *WORD),
    "openers/pas/connector.py: _ADDRESS": WORD,
    "openers/pas/fhir.py: _Id": (Hostile(".", end="!"), Hostile(".-"), *WORD),
    "openers/pas/fhir.py: _Text": (Hostile(" ", "!"), Hostile("! "), Hostile("! ", end="\n")),
    "openers/domain/endpoints/endpoint.py: ASID": DIGITS,
    "openers/domain/endpoints/endpoint.py: FINGERPRINT": HEX,
    "openers/domain/endpoints/endpoint.py: OPERATION": DIGITS,
    "openers/tls/authority.py: HOST_NAME": (Hostile("a."), Hostile("a-", end="."), Hostile("-."), *WORD),
    "openers/tls/authority_files.py: ENVIRONMENT": WORD,
    "openers/settings.py: Settings.blob_url": (Hostile("a", "s3://"), Hostile("file:")),
    "openers/settings.py: _WorldName": WORD,
    "openers/settings.py: _Clamd": (Hostile("1", "tcp://a:", "x"), Hostile("/", "unix:"), *URL),
    "openers/settings.py: _DatabaseUrl": (Hostile("a", "postgresql://", " "), *URL),
    "openers/settings.py: _Url": URL,
    "openers/store/audit/chain.py: Head.parse": DIGITS,
    "openers/store/audit/chain.py: Head.parse #2": HEX,
    "openers/store/audit/chain.py: _WRITER": WORD,
    "openers/telemetry/redaction.py: _NAMED": SECRET,
    "openers/telemetry/redaction.py: _OPAQUE": SECRET,
    "openers/telemetry/redaction.py: _SCHEME": SECRET,
    "openers/wire/admin/audit.py: _CURSOR": (Hostile("1-"), Hostile("a", "1-1-1-", "!"), *DIGITS),
    "openers/wire/admin/texts.py: Name": WORD,
    "openers/wire/admin/texts.py: Line": WORD,
    "openers/wire/admin/texts.py: Text": WORD,
    "openers/wire/admin/texts.py: Ods": WORD,
    "openers/wire/admin/texts.py: PersonId": DIGITS,
    "openers/wire/admin/texts.py: ServiceNumber": DIGITS,
    "openers/wire/admin/texts.py: NhsNumberText": DIGITS,
    "openers/wire/admin/texts.py: Workgroup": WORD,
    "openers/wire/admin/texts.py: PostcodeText": WORD,
    "openers/wire/admin/texts.py: ClientId": WORD,
    "openers/wire/admin/texts.py: WebAddress": URL,
    "openers/wire/admin/texts.py: LogOutAddress": URL,
    "openers/wire/admin/texts.py: RedirectAddress": URL,
    "openers/wire/admin/texts.py: Sha256": HEX,
    "openers/wire/admin/texts.py: Code": WORD,
    "openers/wire/admin/texts.py: Base64Url": WORD,
    "openers/wire/admin/texts.py: Asid": DIGITS,
    "openers/wire/admin/texts.py: HostName": (Hostile("a."), Hostile("-"), *WORD),
    "openers/wire/admin/texts.py: NetworkText": (Hostile(":"), Hostile("1", end="/"), *HEX),
    "openers/wire/admin/texts.py: OperationId": DIGITS,
    "openers/wire/admin/translating.py: _PLACED": (Hostile(" - at `$"), Hostile("a", " - at `$"), Hostile(" - at ")),
    "openers/wire/admin/translating.py: _STEP": (Hostile(".a"), Hostile("[1]"), Hostile("[", end="1"), Hostile(".")),
    "openers/wire/instants.py: _FORMAT": (Hostile("1", "2031-02-03T04:05:06."), *DIGITS),
    "openers/wire/json.py: _POSITION": (Hostile("(byte "), Hostile("(byte 1"), Hostile("1", "(byte ")),
    "openers/wire/json.py: _TOKEN": (*QUOTED, Hostile("{["), Hostile("a", '"'), Hostile('"\\')),
    "openers/wire/stu3/advice/requests.py: CONVERSATION": (
        Hostile("1", "CommunicationRequest/000000000001/_history/"),
    ),
    "openers/wire/stu3/advice/requests.py: _CONVERSATION": (Hostile("CommunicationRequest/"), *DIGITS),
    "openers/wire/stu3/booking/appointment_request.py: REFERRAL": (Hostile("ReferralRequest/"), *DIGITS),
    "openers/wire/stu3/booking/appointment_request.py: SLOT": (Hostile("1", "Slot/", "x"), Hostile("Slot/1")),
    "openers/worlds/recording/contract.py: pattern_of": (Hostile("/"), Hostile("a/"), Hostile("a", "/STU3/", "/")),
    "openers/wire/json.py: _CONTROL": WORD,
    "openers/worlds/recording/repeats.py: _WORD": (Hostile("a-"), *WORD),
    "openers/worlds/recording/affected_services.py: _SEPARATORS": (Hostile("|,/"), *WORD),
    "openers/worlds/collections/requests.py: REFERENCE": (
        Hostile("ReferralRequest/"),
        Hostile("1", "ReferralRequest/"),
        Hostile("/_history/"),
    ),
    "openers/worlds/collections/requests.py: _query": (Hostile("identifier="), Hostile("1", "identifier=")),
    "openers_quickconnect/configuration.py: _VARIABLE": (Hostile("${"), Hostile("A", "${"), Hostile("A_", "${A")),
    "openers_quickconnect/pages/audit.py: _NUMBER": DIGITS,
    "openers_quickconnect/pages/audit.py: _PERSON": DIGITS,
    "openers_quickconnect/pages/audit.py: _ORGANISATION": WORD,
    "openers_quickconnect/pages/audit.py: search.number": (Hostile(" "), Hostile("-"), Hostile(" -", "1")),
    "openers_quickconnect/pages/home.py: _UBRN": (Hostile("1"),),
    "openers_quickconnect/pages/home.py: find.wanted": (Hostile(" "), Hostile("-"), Hostile(" -", "1")),
    "openers_quickconnect/pages/patients.py: _NUMBER": (Hostile("1"),),
    "openers_quickconnect/pages/patients.py: _found.number": (Hostile(" "), Hostile("-"), Hostile(" -", "1")),
    "openers_quickconnect/pages/workgroups.py: _PERSON": DIGITS,
    "openers_quickconnect/pages/workgroups.py: _change": (Hostile(" "), Hostile(" ", "1")),
    "openers_quickconnect/terminal/pull.py: _UNSAFE": (Hostile("/"), Hostile("a/"), Hostile("é")),
    "openers_portal/openapi.py: _PART": (Hostile("{"), Hostile("{a"), Hostile("a", "{")),
    "openers_portal/rules/cards.py: UUID": DIGITS,
    "openers_portal/rules/cards.py: WORKGROUP": (*WORD, Hostile("a", "RCD/", "\n")),
    "openers_portal/rules/endpoints.py: HOST": (
        Hostile("a"),
        Hostile("a."),
        Hostile("-"),
        Hostile("a-"),
        Hostile(".", "a"),
    ),
    "openers_portal/rules/endpoints.py: ODS": WORD,
    "openers_portal/rules/partners.py: CODE": WORD,
    "openers_portal/rules/partners.py: MAIL": (
        Hostile("a"),
        Hostile("a", "a@"),
        Hostile("a.", "a@"),
        Hostile(".", "a@a"),
    ),
    "openers/api/exchanges/line.py: _SESSION_KEY": (
        Hostile("/ProfessionalSession/"),
        Hostile("a", "/ProfessionalSession/"),
    ),
    "openers/api/exchanges/line.py: _UBRN": DIGITS,
    "openers_assurance/har.py: NHS_NUMBER": (*DIGITS, *SECRET),
    "openers_assurance/har.py: _KEY": (Hostile("/professionalsession/"), Hostile("a", "/ProfessionalSession/")),
    "openers_assurance/har.py: _NAMED_UBRN": (Hostile("ReferralRequest/"), Hostile('"id" : "'), *DIGITS),
    "openers_assurance/har.py: _UBRN": DIGITS,
    "openers_assurance/har.py: address_pattern": (
        Hostile("/STU3/"),
        Hostile("/referrals/FHIR/STU3/Slot/"),
        Hostile("a", "/"),
    ),
    "openers_web/xlsx_files.py: _FORBIDDEN": (Hostile("\x00"), Hostile("a\x01")),
    "openers_portal/rules/partners.py: SUBJECT": WORD,
    "openers_portal/rules/plain_text.py: _ALLOWED": URL,
    "openers_portal/rules/plain_text.py: _PIECE": (
        *(Hostile("`"), Hostile("`a"), Hostile("a", "`"), Hostile("["), Hostile("[a"), Hostile("a", "[")),
        *(Hostile("[a]"), Hostile("[a]("), Hostile("a", "[a]("), Hostile("[a](a")),
    ),
    "openers_web/log_in/provider.py: Address": URL,
    "openers_web/addresses.py: _PATH": (Hostile("/"), Hostile("a", "/"), Hostile("\\", "/a")),
    "openers_testpas/api.py: KEY": (Hostile("0", "identifier=https://openers.example/Id/booking-key|", "!"),),
    "openers_testpas/hospital/clinics.py: Clinic.id": WORD,
    "openers_testpas/control.py: NewClinic.service": DIGITS,
    "openers/wire/admin/drafts.py: Number": DIGITS,
}
"""The worst inputs for each pattern, by its place. A new pattern needs a row here."""


def test_every_pattern_has_a_row() -> None:
    assert {site.name for site in sites()} == set(ROWS)


@pytest.mark.parametrize("site", sites(), ids=lambda site: site.name)
def test_a_pattern_is_linear(site: Site) -> None:
    if site.pattern is None:
        site = site._replace(pattern=MADE[site.name])
    slow = [slow_at(read, each) for read in site.readers() for each in (*ROWS[site.name], *ANY)]
    assert [each for each in slow if each] == []


MADE: Final[dict[str, re.Pattern[str]]] = {
    "openers/api/examples/__init__.py: path_values.found": re.compile("/STU3/(?P<a>[^/]+)/(?P<b>[^/]+)"),
    "openers_assurance/har.py: address_pattern": address_pattern("/referrals/FHIR/STU3/Slot/{id}/$ers.c"),
    "openers/places.py: files_of": re.compile(r"openers\.db($|[.-])"),
    "openers/worlds/recording/contract.py: pattern_of": pattern_of("/STU3/{a}/{b}/$ers.c"),
}
"""An example of each pattern that the code builds at run time."""


@pytest.mark.parametrize(
    ("pattern", "hostile"),
    [(r"[\w-]*x=", Hostile("a")), (r"\s+$", Hostile(" ", end="x")), (r"=\s*\s*;", Hostile(" ", "="))],
)
def test_the_measure_finds_patterns_that_are_not(pattern: str, hostile: Hostile) -> None:
    assert slow_at(re.compile(pattern).search, hostile)
