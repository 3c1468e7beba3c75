"""Endpoints of a product as the portal keeps them, and the checks of their form.

Source: rules part 2, chapters 4.1 and 4.3. No private key and no secret is among the values.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Final

import msgspec

from openers_portal.rules.mail import Mail

HOST: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.(?!-)[a-z0-9-]{1,63}){1,20}", re.ASCII)
LONGEST_HOST: Final = 64
ODS: Final = re.compile(r"[A-Z0-9]{3,10}", re.ASCII)
MOST_RANGES: Final = 50
DAYS: Final = 365
"""How long a certificate is valid."""
SOON_DAYS: Final = 30
"""How many days before its end a certificate is shown as about to expire."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate of an endpoint, with that of its issuer (PEM); `trust` has the authorities.

    `request` is the signing request (PEM), with which the same key gets another certificate.
    """

    pem: str
    trust: str
    fingerprint: str
    serial: str
    not_after: datetime
    request: str = ""
    revoked: datetime | None = None


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint in one environment. `is_registered` is false until the environment has confirmed it.

    `asked` is when a certificate was last asked for whose reply is not known, `None` if all are. `lost` is whether an
    earlier reply is not known either.
    """

    asid: str
    environment: str
    organisation: str
    fqdn: str
    party_key: str
    ranges: tuple[str, ...] = ()
    is_registered: bool = False
    certificates: tuple[Certificate, ...] = ()
    asked: datetime | None = None
    lost: bool = False

    def asking(self, now: datetime) -> Endpoint:
        """Return it before a certificate is asked for."""
        return msgspec.structs.replace(self, asked=now, lost=self.lost or self.asked is not None)

    def answered(self, *issued: Certificate) -> Endpoint:
        """Return it with what the reply issued. If an earlier reply is not known, that stays to be settled."""
        asked = self.asked if self.lost else None
        return msgspec.structs.replace(self, certificates=(*self.certificates, *issued), asked=asked)

    @property
    def client_id(self) -> str:
        """Return the id of the application with which the endpoint logs people in."""
        return f"endpoint-{self.asid}"

    @property
    def valid(self) -> tuple[Certificate, ...]:
        """Return the certificates that are not revoked, the oldest first."""
        return tuple(each for each in self.certificates if each.revoked is None)

    def ends(self) -> datetime | None:
        """Return when the last of its certificates ends; `None` without one."""
        return max((each.not_after for each in self.valid), default=None)

    def ends_soon(self, now: datetime) -> bool:
        """Return whether it needs another certificate, because the last one is about to end."""
        ends = self.ends()
        return ends is not None and ends < now + timedelta(days=SOON_DAYS)


def expiry(email: str, endpoint: Endpoint, page: str) -> Mail:
    """Return the message that a certificate is about to end."""
    ends = endpoint.ends()
    text = (
        f"The certificate of {endpoint.fqdn} (ASID {endpoint.asid}) in {endpoint.environment} ends on "
        f"{ends:%d %B %Y}.\n\nRenew it here; the ASID stays:\n{page}\n"
    )
    return Mail(to=email, subject=f"The certificate of {endpoint.fqdn} ends soon", text=text)


def new_asid() -> str:
    """Return a new accredited system id: 12 digits."""
    return f"2{secrets.randbelow(10**11):011d}"


def new_party_key(organisation: str) -> str:
    """Return a new party key of an organisation."""
    return f"{organisation}-{secrets.randbelow(10**6):06d}"


def is_host(text: str) -> bool:
    """Return whether a text is a full host name that a certificate can hold."""
    return len(text) <= LONGEST_HOST and HOST.fullmatch(text) is not None


def read_ranges(text: str) -> tuple[str, ...]:
    """Return the addresses and networks in a text, one a line or separated by commas.

    Raises ValueError with the first that is wrong.
    """
    found = [each.strip() for each in text.replace(",", "\n").split("\n") if each.strip()]
    if len(found) > MOST_RANGES:
        raise ValueError(f"Use at most {MOST_RANGES} addresses")
    for each in found:
        try:
            ip_network(each)
        except ValueError:
            raise ValueError(f"{each[:60]} must be an address or a network, such as 10.1.0.0/16") from None
    return tuple(found)
