"""Access codes: their form, how users may type them, and how they are sealed."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openers.domain.access_code import ALPHABET, LENGTH, MOST_FAILURES, AccessCode, as_typed
from openers.domain.errors import Unavailable
from openers.domain.identifiers import Ubrn
from openers.identity.access_codes import AesCodeSeal

SEAL = AesCodeSeal(b"k" * 32)
UBRN, OTHER = Ubrn.of(1), Ubrn.of(2)
CODE = AccessCode("WKRT7943")
CODES = st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH).map(AccessCode)


def test_a_code_can_be_read_and_said() -> None:
    """The alphabet has no look-alike characters and no vowels."""
    assert not set(ALPHABET) & set("0OQD1IL2Z5S6G8BUAE") - {"D"}
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert CODE.grouped() == "WKRT 7943"


def test_guessing_one_is_hopeless() -> None:
    """Guessing a code with all permitted attempts has a chance below one in a thousand million."""
    assert MOST_FAILURES / len(ALPHABET) ** LENGTH < 1e-9
    assert math.log2(len(ALPHABET) ** LENGTH) > 33


def test_codes_are_drawn_from_the_whole_alphabet() -> None:
    drawn = [SEAL.draw() for _ in range(500)]
    assert len(set(drawn)) == len(drawn)
    assert Counter("".join(drawn)).keys() == set(ALPHABET)


@pytest.mark.parametrize("typed", ["WKRT7943", "wkrt 7943", " wk-rt 79 43 ", "WKRT\u00a07943"])
def test_a_code_may_be_typed_as_people_do(typed: str) -> None:
    assert as_typed(typed) == CODE


def test_a_code_is_not_shown_by_its_repr() -> None:
    assert "WKRT" not in repr(CODE)
    assert "WKRT" not in repr([CODE])


@pytest.mark.parametrize("text", ["", "WKRT794", "WKRT79433", "wkrt7943", "WKRT 7943", "WKRT7940"])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        AccessCode(text)


@given(CODES)
def test_a_sealed_code_opens_for_its_own_referral_alone(code: AccessCode) -> None:
    sealed = SEAL.close(code, UBRN)
    assert code.encode() not in sealed
    assert SEAL.open(sealed, UBRN) == code
    for seal, ubrn in ((AesCodeSeal(b"x" * 32), UBRN), (SEAL, OTHER)):
        with pytest.raises(Unavailable):
            seal.open(sealed, ubrn)


@given(CODES, st.integers(0, 35), st.integers(1, 255))
def test_a_seal_that_was_touched_does_not_open(code: AccessCode, place: int, change: int) -> None:
    sealed = bytearray(SEAL.close(code, UBRN))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(Unavailable):
        SEAL.open(bytes(sealed), UBRN)


def test_the_same_code_is_never_sealed_alike() -> None:
    assert SEAL.close(CODE, UBRN) != SEAL.close(CODE, UBRN)


@pytest.mark.parametrize(("typed", "fits"), [("WKRT7943", True), ("WKRT7944", False), ("", False), ("é", False)])
def test_what_was_typed_fits_or_not(typed: str, fits: bool) -> None:
    assert SEAL.fits(SEAL.close(CODE, UBRN), UBRN, typed) is fits
