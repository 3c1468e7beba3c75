"""Media types: Content-Type, and the Accept header compared with a second implementation of RFC 9110."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openers.api.http.media import accepts, is_fhir_json

FHIR = "application/fhir+json"


@dataclass(frozen=True)
class Range:
    """One range of an Accept header, with its spelling."""

    media: str
    thousandths: int | None
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        weight = "" if self.thousandths is None else f";q={self.thousandths / 1000:g}"
        return f"{self.media}{self.before}{weight}{self.after}"


MEDIA = st.sampled_from(
    [FHIR, "Application/FHIR+JSON", "application/*", "*/*", "application/json", "text/plain", "text/*", "image/png"]
)
PARAMETERS = st.sampled_from(
    ["", ";a=b", '; a="x, application/fhir+json;q=0"', ';a="\\",*/*;q=1"', ";fhirVersion=3.0", " ; b = c"]
)
RANGES = st.builds(Range, MEDIA, st.none() | st.integers(0, 1000), PARAMETERS, st.sampled_from(["", " ", ";ext=1"]))


def reference(ranges: list[Range]) -> bool:
    """Return the result of RFC 9110: the most specific matching range decides, and the last one of equal ranges."""
    if not ranges:
        return True
    for fitting in (FHIR, "application/*", "*/*"):
        weights = [each.thousandths for each in ranges if each.media.lower() == fitting]
        if weights:
            return weights[-1] != 0
    return False


@settings(max_examples=300)
@given(st.lists(RANGES, max_size=5), st.sampled_from([",", ", ", " ,", ",,"]))
def test_accept_is_read_as_the_standard_says(ranges: list[Range], comma: str) -> None:
    assert accepts(comma.join(map(str, ranges)), FHIR) == reference(ranges)


@settings(max_examples=300)
@given(st.text(max_size=40) | st.text(';,="\\*/q0 ', max_size=20))
def test_any_header_is_read(text: str) -> None:
    assert accepts(text, FHIR) in (True, False)
    assert is_fhir_json(text) in (True, False)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", True),
        ("application/fhir+json", True),
        ("application/json", False),
        ("application/fhir+json;q=0", False),
        ("application/fhir+json;q=0.0, */*", False),
        ("application/fhir+json; q=0.001", True),
        ("text/html, */*;q=0.1", True),
        ("application/*;q=0, */*", False),
        ("application/*, */*;q=0", True),
        ("application/fhir+json;q=x", False),
        ('text/plain;note="application/fhir+json"', False),
        ("application/fhir+xml", False),
        ("application/fhir+json;fhirVersion=3.0", True),
    ],
)
def test_accept(header: str, accepted: bool) -> None:
    assert accepts(header, FHIR) is accepted


@pytest.mark.parametrize(
    ("header", "understood"),
    [
        ("application/fhir+json", True),
        ("Application/FHIR+JSON", True),
        (" application/fhir+json ; charset=utf-8", True),
        ('application/fhir+json;charset="UTF-8"', True),
        ("application/fhir+json;fhirVersion=3.0;charset=utf-8", True),
        ("application/fhir+json;charset=iso-8859-1", False),
        ("application/json", False),
        ("application/fhir+xml", False),
        ("text/plain", False),
        ("", False),
    ],
)
def test_content_type(header: str, understood: bool) -> None:
    assert is_fhir_json(header) is understood
