"""Media types: whether a caller accepts what is offered, and what a body is. Source: RFC 9110, rules 2.4."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

FHIR_JSON: Final = "application/fhir+json"
PDF: Final = "application/pdf"
# Commas and semicolons within quotes separate nothing, nor does a quote behind a backslash end them.
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"?'
_ELEMENT: Final = re.compile(rf'(?:[^,"]|{_QUOTED})+')
_PART: Final = re.compile(rf'(?:[^;"]|{_QUOTED})+')


@lru_cache(maxsize=256)
def accepts(accept: str, offered: str) -> bool:
    """Whether an `Accept` header (empty: absent) allows the media type. The most specific range that fits decides."""
    if not accept:
        return True
    fitting = (offered, f"{offered.partition('/')[0]}/*", "*/*")
    weights: dict[str, float] = {}
    for each in _ELEMENT.findall(accept):
        media, weight = _range(each)
        if media in fitting:
            weights[media] = weight
    return next((weights[media] > 0 for media in fitting if media in weights), False)


@lru_cache(maxsize=256)
def is_fhir_json(content_type: str) -> bool:
    """Whether a `Content-Type` header names FHIR JSON, in UTF-8 if it names a character set."""
    parameters = dict(map(_parameter, _PART.findall(content_type)[1:]))
    return media_of(content_type) == FHIR_JSON and parameters.get("charset", "utf-8").lower() == "utf-8"


def media_of(content_type: str) -> str:
    """The media type that a `Content-Type` header names, in lower case and without parameters; empty if none."""
    media, *_ = _PART.findall(content_type) or [""]
    return str(media).strip().lower()


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
