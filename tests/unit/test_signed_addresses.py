"""Signed addresses: each gives access to one file until it expires; no other text gives access."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit.service.arrangements import Stopped
from tests.kit.store.records import NOON, caller

from openers.domain.identifiers import FileId, UserId
from openers.domain.principal import BusinessFunction
from openers.files.signed_addresses import NotSigned, SignedAddresses, SignedFile

BASE = "https://ers.example"
LIFE = timedelta(seconds=60)
FILE = FileId("0e2c9a52-6d0f-4a0e-9f0e-0a1b2c3d4e5f")
OTHER = FileId("att-70000-1")
BY = caller(BusinessFunction.SERVICE_PROVIDER_CLINICIAN, "RCD", "RCD/Cardiology")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def addresses(after: timedelta = timedelta(), key: bytes = b"k" * 32) -> SignedAddresses:
    """Return the service's signer at `after` past noon."""
    return SignedAddresses(key, Stopped(NOON + after), LIFE)


def given_for(file: FileId = FILE) -> str:
    """Return the last part of an address issued at noon."""
    return addresses().give(file, BY, BASE).removeprefix(f"{BASE}/files/")


def test_an_address_stands_for_file_caller_and_time() -> None:
    signed = addresses().read(given_for(), BASE)
    assert signed == SignedFile(FILE, NOON + LIFE, BY.user, BY.organisation, BY.function, BY.application, None)
    assert addresses().read(given_for(OTHER), BASE).file == OTHER
    assert isinstance(signed.file, FileId)
    assert isinstance(signed.user, UserId)


def test_an_address_tells_its_file_only_behind_the_path() -> None:
    text = given_for()
    assert set(text) <= set(ALPHABET) | {"."}
    assert len(text.partition(".")[2]) == 43, "256 bits: guessing is hopeless"


@pytest.mark.parametrize("ms", [0, 1, 59_999])
def test_an_address_is_good_for_its_life(ms: int) -> None:
    assert addresses(timedelta(milliseconds=ms)).read(given_for(), BASE).file == FILE


@pytest.mark.parametrize("ms", [60_000, 60_001, 86_400_000])
def test_an_address_ends(ms: int) -> None:
    with pytest.raises(NotSigned):
        addresses(timedelta(milliseconds=ms)).read(given_for(), BASE)


def test_an_address_of_another_service_is_none() -> None:
    with pytest.raises(NotSigned):
        addresses(key=b"K" * 32).read(given_for(), BASE)


@settings(max_examples=400)
@given(at=st.integers(0, len(given_for()) - 1), put=st.sampled_from(ALPHABET + ".=%/+ \0é"))
def test_an_address_with_any_other_character_is_none(at: int, put: str) -> None:
    text = given_for()
    altered = f"{text[:at]}{put}{text[at + 1 :]}"
    if altered != text:
        with pytest.raises(NotSigned):
            addresses().read(altered, BASE)


@settings(max_examples=200)
@given(cut=st.integers(0, len(given_for()) - 1), more=st.text(ALPHABET + ".=", min_size=1, max_size=4))
def test_an_address_that_is_cut_or_longer_is_none(cut: int, more: str) -> None:
    for altered in (given_for()[:cut], given_for() + more, more + given_for()):
        with pytest.raises(NotSigned):
            addresses().read(altered, BASE)


def test_a_signature_is_of_its_own_file_alone() -> None:
    told, _, _ = given_for().partition(".")
    _, _, signature = given_for(OTHER).partition(".")
    with pytest.raises(NotSigned):
        addresses().read(f"{told}.{signature}", BASE)


@settings(max_examples=300)
@given(text=st.text(max_size=80) | st.text(ALPHABET + ".", max_size=120))
def test_no_text_that_was_not_given_stands_for_anything(text: str) -> None:
    with pytest.raises(NotSigned):
        addresses().read(text, BASE)
