"""Partners, their products, and what they tell about the use of the service.

Source: rules part 2, chapter 3.1 (the forms of registration) and 5.2 (supplier, usage and settings).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

import msgspec

CODE: Final = re.compile(r"[A-Z0-9]{3,10}", re.ASCII)
"""An ODS code or a company registration number."""
MAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,180}\.[A-Za-z]{2,24}", re.ASCII)
"""An address that a header of mail reads as exactly this one: no group, comment or quoted text (RFC 5322)."""
SUBJECT: Final = re.compile(r"[!-~]{1,100}", re.ASCII)
TERMS: Final = "1.0"
"""Version of the Special Terms that a partner accepts."""


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation that connects products. `code` is its ODS code or company registration number."""

    name: str
    code: str
    address: str
    contact: str
    email: str
    telephone: str = ""
    is_public: bool = False
    wants_news: bool = False
    terms: str = TERMS


class Usage(StrEnum):
    """How the data is used."""

    PRESENT = "Shown while the person is present"
    BATCH = "Fetched without a person, in batches"
    BOTH = "Both"


class Topology(StrEnum):
    """How the product is deployed."""

    SINGLE = "One product at one organisation"
    MANY = "One product at many organisations"


class UsageAndSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a product will use the service."""

    usage: Usage
    topology: Topology
    families: tuple[str, ...]
    storage: str
    users: str


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product of a partner, in one version."""

    name: str
    version: str
    purpose: str = ""
    settings: UsageAndSettings | None = None


def families() -> tuple[str, ...]:
    """Return the groups of operations that a product may use."""
    return (
        "Reference Data",
        "Clinical Referral Information",
        "Clinical Review",
        "Service Search",
        "Referral Request",
        "Referral Management",
        "Booking",
        "Advice and Guidance",
    )
