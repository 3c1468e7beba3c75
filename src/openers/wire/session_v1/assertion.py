"""The role assertion of a smartcard session: a SAML 1.1 response that lists the roles of the card's holder.

It is not signed, because only test mode writes it. Attributes without a value are left out. Source: ADR 0072; rules
part 2, chapter 1.9.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from openers.domain.clock import Instant
from openers.domain.directory import Role, User
from openers.domain.identifiers import OdsCode
from openers.domain.principal import BusinessFunction

MEDIA_TYPE: Final = "text/xml"
EARLIER: Final = timedelta(minutes=3)
LATER: Final = timedelta(minutes=1)
"""The assertion is valid from before its issue to after it, as clocks differ."""
ACTIVITIES: Final = {
    BusinessFunction.REFERRING_CLINICIAN: ("B1101", "Manage Outbound Referrals"),
    BusinessFunction.REFERRING_CLINICIAN_ADMIN: ("B1102", "Proxy Manage Outbound Referrals"),
    BusinessFunction.REFERRING_ADMIN: ("B1103", "Manage Outbound Appointments"),
    BusinessFunction.BMS_ADMIN: ("B1105", "Perform CAB Appointments Line"),
    BusinessFunction.COMMISSIONER: ("B1106", "Maintain Commissioned Services"),
    BusinessFunction.SERVICE_DEFINER: ("B1107", "Maintain Service Configurations and Workgroups"),
    BusinessFunction.REFERRER_RIGHTS_MANAGER: ("B1108", "Maintain Service Selection Guidance"),
    BusinessFunction.SERVICE_PROVIDER_CLINICIAN: ("B1110", "Manage Inbound Referrals"),
    BusinessFunction.SERVICE_PROVIDER_CLINICIAN_ADMIN: ("B1115", "Proxy Manage Inbound Referrals"),
    BusinessFunction.SERVICE_PROVIDER_ADMIN: ("B1120", "Manage Inbound Appointments"),
}
"""The activity on a card, by the business function that it gives: its code and its name."""
_ASSERTION: Final = "urn:oasis:names:tc:SAML:1.0:assertion"
_PROTOCOL: Final = "urn:oasis:names:tc:SAML:1.0:protocol"
_ATTRIBUTES: Final = "http://www.syntegra.com"
_METHOD: Final = "urn:com:sun:identity"
_UNIQUE_DIGITS: Final = 12


def write_assertion(holder: User, names: Mapping[OdsCode, str], token: str, issuer: str, now: Instant) -> bytes:
    """Return the response as XML. `names` are those of the organisations of the holder's roles."""
    response = Element("Response", {"xmlns": _PROTOCOL, "MajorVersion": "1", "MinorVersion": "1"})
    response.set("IssueInstant", _moment(now))
    SubElement(SubElement(response, "Status"), "StatusCode", Value="samlp:Success")
    assertion = SubElement(response, "Assertion", {"xmlns": _ASSERTION, "MajorVersion": "1", "MinorVersion": "1"})
    assertion.set("Issuer", issuer)
    assertion.set("IssueInstant", _moment(now))
    limits = {"NotBefore": _moment(now - EARLIER), "NotOnOrAfter": _moment(now + LATER)}
    SubElement(assertion, "Conditions", limits)
    statement = SubElement(assertion, "AttributeStatement")
    _subject(statement, holder, token)
    for name, value in _attributes(holder, names):
        attribute = SubElement(statement, "Attribute", AttributeName=name, AttributeNamespace=_ATTRIBUTES)
        SubElement(attribute, "AttributeValue").text = value
    return tostring(response, encoding="utf-8", xml_declaration=True)


def _subject(statement: Element, holder: User, token: str) -> None:
    subject = SubElement(statement, "Subject")
    SubElement(subject, "NameIdentifier").text = f"uid={holder.id},ou=People,o=nhs"
    confirmation = SubElement(subject, "SubjectConfirmation")
    SubElement(confirmation, "ConfirmationMethod").text = _METHOD
    SubElement(confirmation, "SubjectConfirmationData").text = token


def _attributes(holder: User, names: Mapping[OdsCode, str]) -> Iterable[tuple[str, str]]:
    """Yield names and values: first those of the person, then a block for each role that begins with `nhsIdCode`."""
    yield "ssbAssertionVersion", "1.1"
    yield "cn", holder.name
    yield "uid", holder.id
    yield "ssbMode", "1"
    for role in holder.roles:
        yield from _role(holder, role, names.get(role.organisation, ""))


def _role(holder: User, role: Role, name: str) -> Iterable[tuple[str, str]]:
    yield "nhsIdCode", role.organisation
    if name:
        yield "o", name
    yield "uniqueIdentifier", _unique(f"{holder.id} {role.organisation}")
    for group in sorted(holder.workgroups_at(role.organisation)):
        yield "nhsWorkGroups", group.partition("/")[2]
    activities = [ACTIVITIES[each] for each in role.functions if each in ACTIVITIES]
    for _, activity in activities:
        yield "nhsBusinessFunctions", activity
    for code, _ in activities:
        yield "nhsBusinessFunctionsCodes", code


def _unique(profile: str) -> str:
    """Return the 12 digits of a role profile, the same in each run."""
    return str(int(sha256(profile.encode()).hexdigest(), 16) % 10**_UNIQUE_DIGITS).zfill(_UNIQUE_DIGITS)


def _moment(at: Instant) -> str:
    return at.isoformat().replace("+00:00", "Z")
