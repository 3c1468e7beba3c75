"""A mock of PDS: application-restricted tokens, and patients of a pack in FHIR R4. Source: PDS FHIR API.

`PUT /_mock/patients/{number}` changes what PDS knows, as other systems would: `PatientChange` has the fields.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from time import time
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openers.domain.patient import Patient
from openers.identity.assertions import ALGORITHM
from openers.identity.jose import Malformed, is_for, is_signed_by, key_named, take_apart
from openers.worlds.mocks.faults import Faults

BASE: Final = "/personal-demographics/FHIR/R4"
TOKEN: Final = "/oauth2/token"
TOKEN_LIFE_S: Final = 599
LONGEST_ASSERTION_S: Final = 300
ONE_MATCH: Final = 1
"""How many matches an application without a user may receive."""
_SPINE: Final = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode"
_CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_ID: Final = "https://fhir.nhs.uk/Id"


class PatientChange(msgspec.Struct, frozen=True):
    """What changes in a record. A record that is replaced or invalid has no other use."""

    family_name: str | None = None
    confidentiality: Literal["U", "R", "V"] | None = None
    died: date | None = None
    replaced_by: str | None = None
    invalid: bool = False


class _Record(msgspec.Struct):
    """A patient as PDS holds it."""

    patient: Patient
    confidentiality: str
    version: int
    replaced_by: str | None = None
    invalid: bool = False


class MockPds:
    """The patients, and the tokens that were given out."""

    def __init__(
        self, patients: Iterable[Patient], keys: Mapping[str, Any] | None = None, token_life_s: int = TOKEN_LIFE_S
    ) -> None:
        """Store patients. With `keys`, a JSON Web Key Set, requests need a token got with one of them."""
        self._patients = tuple(patients)
        self._version = 0
        self._records = self._loaded()
        self._keys, self._token_life_s = keys, token_life_s
        self._tokens: dict[str, float] = {}
        self.faults = Faults()

    def app(self) -> Starlette:
        """Return the mock as a web application."""
        wrapped = self.faults.wrapped
        return Starlette(
            routes=[
                Route(TOKEN, wrapped(self._give_token), methods=["POST"]),
                Route(f"{BASE}/Patient", wrapped(self._search), methods=["GET"]),
                Route(f"{BASE}/Patient/{{number}}", wrapped(self._read), methods=["GET"]),
                Route("/_mock/patients/{number}", self._change, methods=["PUT"]),
                Route("/_mock/patients", self._reset, methods=["DELETE"]),
                Route("/_mock/tokens", self._end_tokens, methods=["DELETE"]),
                *self.faults.routes(),
            ]
        )

    async def _give_token(self, request: Request) -> Response:
        async with request.form() as form:
            fields = {name: str(value) for name, value in form.items()}
        if self._keys is not None and not self._proves(fields.get("client_assertion", ""), str(request.url)):
            return JSONResponse({"error": "invalid_client"}, 401)
        token = secrets.token_urlsafe(16)
        now = time()
        self._tokens = {each: until for each, until in self._tokens.items() if until > now}
        self._tokens[token] = now + self._token_life_s
        granted = {"access_token": token, "expires_in": str(self._token_life_s), "token_type": "Bearer"}
        return JSONResponse(granted)

    def _proves(self, text: str, address: str) -> bool:
        """Return whether an assertion is signed by a registered key, for this address, and short-lived."""
        try:
            token = take_apart(text)
        except Malformed:
            return False
        key = key_named(token.header.get("kid"), self._keys or {})
        expires = token.claims.get("exp")
        return (
            key is not None
            and is_signed_by(token, key, ALGORITHM)
            and is_for(token.claims.get("aud"), address)
            and bool(token.claims.get("jti"))
            and token.claims.get("iss") == token.claims.get("sub")
            and isinstance(expires, int)
            and time() < expires <= time() + LONGEST_ASSERTION_S + 1
        )

    async def _read(self, request: Request) -> Response:
        refusal, number = self._refusal(request), str(request.path_params["number"])
        if refusal is not None:
            return refusal
        if not (number.isascii() and number.isdigit() and len(number) == 10):
            return _outcome(400, "INVALID_RESOURCE_ID")
        record = self._records.get(number)
        if record is not None and record.replaced_by is not None:
            record = self._records.get(record.replaced_by)
        if record is None:
            return _outcome(404, "RESOURCE_NOT_FOUND")
        if record.invalid:
            return _outcome(404, "INVALIDATED_RESOURCE")
        tag = f'W/"{record.version}"'
        if request.headers.get("if-none-match") == tag and str(record.patient.nhs_number) == number:
            return Response(status_code=304, headers={"ETag": tag})
        return _fhir(_written(record), 200, {"ETag": tag})

    async def _search(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        asked = request.query_params
        if "family" not in asked or "birthdate" not in asked:
            return _outcome(400, "INVALID_SEARCH_DATA")
        found = [each for each in self._records.values() if _fits(each, asked)]
        if len(found) > ONE_MATCH:
            return _outcome(200, "TOO_MANY_MATCHES")
        entries = [{"search": {"score": 1}, "resource": _written(each)} for each in found]
        return _fhir({"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": entries})

    def _refusal(self, request: Request) -> Response | None:
        """Return why a request is refused: its token, or its id."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if self._keys is not None and (scheme != "Bearer" or self._tokens.get(token, 0.0) <= time()):
            return _outcome(401, "ACCESS_DENIED")
        try:
            UUID(request.headers.get("x-request-id", ""))
        except ValueError:
            return _outcome(400, "INVALID_VALUE" if "x-request-id" in request.headers else "MISSING_VALUE")
        return None

    async def _change(self, request: Request) -> Response:
        try:
            change = msgspec.json.decode(await request.body(), type=PatientChange)
            record = self._records[str(request.path_params["number"])]
        except (msgspec.DecodeError, KeyError) as error:
            return JSONResponse({"error": str(error)}, 400)
        fields = {"family_name": change.family_name, "died": change.died}
        given = {name: value for name, value in fields.items() if value is not None}
        record.patient = msgspec.structs.replace(record.patient, **given)
        record.confidentiality = change.confidentiality or record.confidentiality
        record.replaced_by, record.invalid = change.replaced_by, change.invalid
        record.version = self._next_version()
        return Response(status_code=204)

    def _loaded(self) -> dict[str, _Record]:
        """Return the records as the pack has them, each in a version that it never had before."""
        version = self._next_version()
        return {str(each.nhs_number): _Record(each, "R" if each.sensitive else "U", version) for each in self._patients}

    def _next_version(self) -> int:
        self._version += 1
        return self._version

    async def _reset(self, request: Request) -> Response:
        self._records = self._loaded()
        return Response(status_code=204)

    async def _end_tokens(self, request: Request) -> Response:
        self._tokens.clear()
        return Response(status_code=204)


def _fits(record: _Record, asked: Mapping[str, str]) -> bool:
    patient, given = record.patient, asked.get("given", "").removesuffix("*").casefold()
    return (
        record.replaced_by is None
        and not record.invalid
        and patient.family_name.casefold() == asked["family"].casefold()
        and f"eq{patient.born.isoformat()}" == asked["birthdate"]
        and patient.given_name.casefold().startswith(given)
        and asked.get("gender", patient.sex) == patient.sex
        and asked.get("address-postalcode", patient.postcode) == patient.postcode
    )


def _written(record: _Record) -> dict[str, Any]:
    """Return a record as FHIR. Address and practice of a restricted one are left out."""
    patient, number = record.patient, str(record.patient.nhs_number)
    written: dict[str, Any] = {
        "resourceType": "Patient",
        "id": number,
        "meta": {
            "versionId": str(record.version),
            "security": [{"system": _CONFIDENTIALITY, "code": record.confidentiality}],
        },
        "identifier": [{"system": f"{_ID}/nhs-number", "value": number}],
        "name": [{"use": "usual", "family": patient.family_name, "given": [patient.given_name]}],
        "gender": str(patient.sex),
        "birthDate": patient.born.isoformat(),
    }
    if patient.died is not None:
        written["deceasedDateTime"] = f"{patient.died.isoformat()}T00:00:00+00:00"
    if record.confidentiality != "U":
        return written
    if patient.practice is not None:
        gp = {"system": f"{_ID}/ods-organization-code", "value": str(patient.practice)}
        written["generalPractitioner"] = [{"type": "Organization", "identifier": gp}]
    lines: Sequence[str] = patient.address
    if patient.postcode is not None or lines:
        written["address"] = [{"use": "home", "line": list(lines), "postalCode": str(patient.postcode or "")}]
    return written


def _outcome(status: int, code: str) -> Response:
    details = {"coding": [{"system": _SPINE, "code": code}]}
    issue = {"severity": "error", "code": "value", "details": details}
    return _fhir({"resourceType": "OperationOutcome", "issue": [issue]}, status)


def _fhir(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(content, status, headers, "application/fhir+json")
