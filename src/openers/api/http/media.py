"""Media types and file names in headers: what a caller accepts, what a body is, what a file is called.

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
"""How long an encoded name may be, in characters; a longer one names no file. Decoding takes quadratic time."""
_JSON_FORMATS: Final = frozenset({"json", "application/json", "application/fhir+json", "text/json"})
"""What `_format` calls JSON."""
# Commas and semicolons within quotes separate nothing, nor does a quote behind a backslash end them.
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"?'
_ELEMENT: Final = re.compile(rf'(?:[^,"]|{_QUOTED})+')
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9 .,_()+=@~-]")
_PART: Final = re.compile(rf'(?:[^;"]|{_QUOTED})+')


def accepts(accept: str, offered: str) -> bool:
    """Whether an `Accept` header (empty: absent) allows the media type. The most specific range that fits decides."""
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
    """Return whether a request takes a media type: by `_format` in its query, which goes first, or by its Accept.

    `_format` names the form of FHIR resources and means nothing for other replies (FHIR, http.html#mime-type).
    """
    asks = b"_format=" in query and offered == FHIR_JSON
    named = dict(parse_qsl(query.decode("latin-1"))).get("_format") if asks else None
    return accepts(accept, offered) if named is None else named.replace(" ", "+") in _JSON_FORMATS


def is_fhir_json(content_type: str) -> bool:
    """Whether a `Content-Type` header names FHIR JSON, in UTF-8 if it names a character set."""
    return (_is_fhir_json_cached if len(content_type) <= LONGEST_CACHED else _is_fhir_json)(content_type)


def _is_fhir_json(content_type: str) -> bool:
    parameters = dict(map(_parameter, _PART.findall(content_type)[1:]))
    return media_of(content_type) == FHIR_JSON and parameters.get("charset", "utf-8").lower() == "utf-8"


_accepts_cached: Final = lru_cache(maxsize=256)(_accepts)
_is_fhir_json_cached: Final = lru_cache(maxsize=256)(_is_fhir_json)


def media_of(content_type: str) -> str:
    """The media type that a `Content-Type` header names, in lower case and without parameters; empty if none."""
    media, *_ = _PART.findall(content_type) or [""]
    return str(media).strip().lower()


def disposition(name: str) -> bytes:
    """A `Content-Disposition` header that has the file saved under `name`, never shown (RFC 6266)."""
    plain = _NOT_PLAIN.sub("_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}".encode()


def file_name_of(header: bytes) -> str:
    """The name that a header gives: as an encoded word (RFC 2047), in UTF-8, or in Latin-1."""
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
    """A media range and its weight; a weight that can't be read counts as none."""
    media, *rest = _PART.findall(element) or [""]
    weight = dict(map(_parameter, rest)).get("q", "1")
    try:
        return media.strip().lower(), float(weight)
    except ValueError:
        return media.strip().lower(), 0.0


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')
