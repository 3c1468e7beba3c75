"""Activity codes and business functions, as the page of the provider lists them."""

from __future__ import annotations

import re
from pathlib import Path

from openers.domain.principal import BusinessFunction
from openers.identity.activities import FUNCTIONS, codes_of, functions_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "openid-provider.md"


def test_the_page_lists_every_code() -> None:
    rows = re.findall(r"^\| (B\d{4}) \| ([A-Z_]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert dict(rows) == {code: str(function) for code, function in FUNCTIONS.items()}


def test_codes_and_functions_match() -> None:
    assert functions_of(codes_of(FUNCTIONS.values())) == tuple(FUNCTIONS.values())
    assert codes_of([BusinessFunction.ERS_ADMIN]) == []
