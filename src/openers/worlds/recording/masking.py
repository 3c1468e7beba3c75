"""Mask credentials and patient data in an exchange before it is stored.

In headers, addresses and texts, credentials and NHS numbers are masked anywhere (`openers.telemetry.redaction`). In
FHIR bodies, names, addresses, dates of birth and free text are masked by element. Text masked in a request is then
masked in the texts of its reply too, since a refusal may repeat it. A body that is not JSON is a file, and is not
stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, cast
from urllib.parse import parse_qsl

import msgspec

from openers.api.http.bounds import LONGEST_CACHED
from openers.telemetry.redaction import MASK, is_secret, redact_nhs_numbers, redact_text
from openers.wire.json import MalformedJson, parse_any
from openers.worlds.recording.repeats import Repeats

PERSONAL: Final = frozenset(
    {
        *("family", "given", "prefix", "suffix", "firstName", "middleName", "lastName"),
        *("address", "line", "city", "district", "postalCode", "birthDate", "deceasedDateTime", "telecom", "photo"),
        *("comment", "contentString", "note", "valueString", "valueAddress", "valueHumanName", "valueAttachment"),
        *("title", "div"),
    }
)
"""FHIR elements with names, addresses or free text about people."""
NAMING: Final = frozenset({"url", "system", "profile", "reference", "code", "resourceType", "fullUrl"})
"""FHIR elements that identify a type or code; they contain no credentials, even if they are long."""
NOT_SECRET: Final = frozenset({"patient", "token_type", "issued_token_type", "subject_token_type", "grant_type"})
"""Names that look like a secret but are not: a reference, and kinds of tokens."""
PROOFS: Final = frozenset({"handle", "state", "nonce"})
"""Parameters of a log-in that identify a browser or a client."""
FORM: Final = "application/x-www-form-urlencoded"
OF_PEOPLE: Final = frozenset({"Patient", "Practitioner", "RelatedPerson"})
"""Resource types whose names are those of people."""
PERSONAL_HEADERS: Final = frozenset({"nhsd-ers-file-name", "content-disposition", "cookie", "set-cookie"})
"""Headers with credentials or file names."""
SHORTEST_REPEATED: Final = 3
"""Minimum characters of a masked text for it to be masked in other texts too."""

LONGEST_CLEAN: Final = 200
"""Maximum characters of a text that is remembered as having nothing to mask."""

Json = Any


class Clean:
    """Remembers texts without anything to mask that occur often, such as the addresses of profiles."""

    def __init__(self, most: int = 4096) -> None:
        """Remember `most` texts, then start again with none."""
        self._most = most
        self._texts: set[str] = set()

    def unless_known(self, text: str, mask: Callable[[str], str]) -> str:
        """Return the text as `mask` returns it."""
        if len(text) > LONGEST_CACHED:
            return mask(text)
        if text in self._texts:
            return text
        masked = mask(text)
        if masked == text and len(text) <= LONGEST_CLEAN:
            if len(self._texts) >= self._most:
                self._texts.clear()
            self._texts.add(text)
        return masked


_CLEAN: Final = Clean()
_CLEAN_NAMES: Final = Clean()


class Masker:
    """Masks one exchange and remembers the masked texts, so that later texts cannot repeat them."""

    def __init__(self) -> None:
        """Start without masked texts."""
        self._repeats = Repeats()

    def headers(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
        """Return headers as names and values with credentials masked; the scheme of `Authorization` is kept."""
        return tuple(self._header(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)

    def body(self, body: bytes, media_type: str, *, is_refusal: bool = False) -> str:
        """Return a body as text: FHIR without personal elements, the text of a refusal, or only the size."""
        if not body:
            return ""
        if "json" in media_type:
            try:
                return msgspec.json.encode(self.value(parse_any(body))).decode()
            except MalformedJson:
                return f"[invalid JSON, {len(body)} bytes]"
        if media_type.partition(";")[0].strip() == FORM:
            return self.form(body)
        if is_refusal and media_type.startswith("text/"):
            return self.text(body.decode("utf-8", "replace"))
        return f"[{media_type or 'file'}, {len(body)} bytes]"

    def form(self, body: bytes) -> str:
        """Return a form of the OAuth 2.0 endpoints without credentials, one parameter a line."""
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
        return "\n".join(f"{self.text(name)}={MASK if _proves(name) else self.text(value)}" for name, value in pairs)

    def text(self, text: str) -> str:
        """Return a text without credentials, NHS numbers and previously masked texts."""
        return _CLEAN.unless_known(self._repeats.masked(text), redact_text)

    def value(self, value: Json, resource: str = "") -> Json:
        """Return a masked JSON value; `resource` is the type of the FHIR resource that it belongs to."""
        if isinstance(value, dict):
            held = cast("dict[str, Json]", value)
            resource = str(held.get("resourceType", resource))
            return {key: self._element(key, each, resource, held) for key, each in held.items()}
        if isinstance(value, list):
            return [self.value(each, resource) for each in cast("list[Json]", value)]
        return self.text(value) if isinstance(value, str) else value

    def _element(self, key: str, value: Json, resource: str, parent: dict[str, Json]) -> Json:
        if key in PERSONAL or _is_name_of_a_person(key, value, resource) or _is_display_of_a_person(key, parent):
            self._remember(value)
            return MASK
        if isinstance(value, str) and is_secret(key) and key not in NAMING | NOT_SECRET:
            return MASK
        if key in NAMING and isinstance(value, str):
            return _CLEAN_NAMES.unless_known(value, redact_nhs_numbers)
        if key == "profile" and isinstance(value, list):
            return [self._element("url", each, resource, parent) for each in cast("list[Json]", value)]
        return self.value(value, resource)

    def _remember(self, value: Json) -> None:
        if isinstance(value, dict):
            for each in cast("dict[str, Json]", value).values():
                self._remember(each)
        elif isinstance(value, list):
            for each in cast("list[Json]", value):
                self._remember(each)
        elif isinstance(value, str) and len(value) >= SHORTEST_REPEATED:
            self._repeats.remember(value)

    def _header(self, name: str, value: str) -> tuple[str, str]:
        lowered = name.lower()
        if lowered == "authorization" and " " in value:
            return name, f"{value.partition(' ')[0]} {MASK}"
        if value and (lowered in PERSONAL_HEADERS or is_secret(lowered)):
            return name, MASK
        return name, self.text(value)


def _proves(name: str) -> bool:
    """Return whether a parameter is a credential."""
    return name in PROOFS or (is_secret(name) and not name.endswith("_type"))


def _is_name_of_a_person(key: str, value: Json, resource: str) -> bool:
    """Return whether this is a HumanName or a person's name as text. Names of parameters and services are kept."""
    if key not in {"name", "text"}:
        return False
    return isinstance(value, dict | list) if key == "name" else resource in OF_PEOPLE


def _is_display_of_a_person(key: str, parent: dict[str, Json]) -> bool:
    """Return whether this is the display of a reference to a person."""
    if key != "display":
        return False
    reference, identifier = parent.get("reference"), parent.get("identifier")
    told = f"{reference} {cast('Json', identifier).get('system')}" if isinstance(identifier, dict) else f"{reference}"
    return any(each in told for each in (*OF_PEOPLE, "nhs-number", "sds-user-id"))
