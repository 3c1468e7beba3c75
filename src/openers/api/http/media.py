"""Parse media types and file names in headers: Accept, Content-Type and Content-Disposition.

Source: RFC 9110, 6266 and 2047; rules 2.4.
"""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, quote

from openers.api.http.bounds import LONGEST_CACHED

FHIR_JSON: Final = "application/fhir+json"
PDF: Final = "application/pdf"
LONGEST_ENCODED: Final = 4096
"""Maximum characters of an encoded file name, since decoding takes quadratic time. A longer name is not decoded."""
_JSON_FORMATS: Final = frozenset({"json", "application/json", "application/fhir+json", "text/json"})
"""Values of `_format` that mean JSON."""
# Commas and semicolons within quotes do not separate; a quote after a backslash does not end the quoted text.
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"?'
_ELEMENT: Final = re.compile(rf'(?:[^,"]|{_QUOTED})+')
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9 .,_()+=@~-]")
_PART: Final = re.compile(rf'(?:[^;"]|{_QUOTED})+')


def accepts(accept: str, offered: str) -> bool:
    """Return whether an `Accept` header (empty: absent) allows the media type; the most specific range decides."""
    return not accept or (_accepts_cached if len(accept) <= LONGEST_CACHED else _accepts)(accept, offered)


def _accepts(accept: str, offered: str) -> bool:
    fitting = (offered, f"{offered.partition('/')[0]}/*", "*/*")
    weights: dict[str, float] = {}
    for each in _ELEMENT.findall(accept):
        media, weight = _range(each)
        if media in fitting:
            weights[media] = weight
    return next((weights[media] > 0 for media in fitting if media in weights), False)


def accepts_of(accept: str, query: bytes, offered: str) -> bool:
    """Return whether a request accepts a media type, by `_format` in its query or else by its Accept header.

    `_format` takes precedence. It names the format of FHIR resources and is ignored for other replies (FHIR,
    http.html#mime-type).
    """
    asks = b"_format=" in query and offered == FHIR_JSON
    named = dict(parse_qsl(query.decode("latin-1"))).get("_format") if asks else None
    return accepts(accept, offered) if named is None else named.replace(" ", "+") in _JSON_FORMATS


def is_fhir_json(content_type: str) -> bool:
    """Return whether a `Content-Type` header names FHIR JSON, with no character set or UTF-8."""
    return (_is_fhir_json_cached if len(content_type) <= LONGEST_CACHED else _is_fhir_json)(content_type)


def _is_fhir_json(content_type: str) -> bool:
    parameters = dict(map(_parameter, _PART.findall(content_type)[1:]))
    return media_of(content_type) == FHIR_JSON and parameters.get("charset", "utf-8").lower() == "utf-8"


_accepts_cached: Final = lru_cache(maxsize=256)(_accepts)
_is_fhir_json_cached: Final = lru_cache(maxsize=256)(_is_fhir_json)


def media_of(content_type: str) -> str:
    """Return the media type of a `Content-Type` header in lower case, without parameters; empty if absent."""
    media, *_ = _PART.findall(content_type) or [""]
    return str(media).strip().lower()


def disposition(name: str) -> bytes:
    """Return a `Content-Disposition` header that makes the browser save the file as `name` (RFC 6266)."""
    plain = _NOT_PLAIN.sub("_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}".encode()


def file_name_of(header: bytes) -> str:
    """Return the file name in a header: an encoded word (RFC 2047), UTF-8, or Latin-1."""
    try:
        text = header.decode("utf-8")
    except UnicodeDecodeError:
        return header.decode("latin-1").strip()
    if not text.startswith("=?") or len(text) > LONGEST_ENCODED:
        return text.strip()
    try:
        return str(make_header(decode_header(text)))
    except (ValueError, LookupError, HeaderParseError):
        return text.strip()


def _range(element: str) -> tuple[str, float]:
    """Return a media range and its weight; an unreadable weight counts as 0."""
    media, *rest = _PART.findall(element) or [""]
    weight = dict(map(_parameter, rest)).get("q", "1")
    try:
        return media.strip().lower(), float(weight)
    except ValueError:
        return media.strip().lower(), 0.0


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')
