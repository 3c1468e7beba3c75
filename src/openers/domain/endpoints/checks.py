"""The checks of each call of a registered endpoint, in the order of the real gateway. Each refusal explains itself."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from openers.domain.endpoints.certificate import ClientCertificate
from openers.domain.endpoints.endpoint import Endpoint, EndpointStatus
from openers.domain.endpoints.networks import is_in, networks_of


class EndpointCheck(StrEnum):
    """The checks, in their order."""

    ASID = "ASID"
    STATUS = "status"
    HOST_NAME = "host name"
    CERTIFICATE = "certificate"
    OPERATION = "operation"
    ENVIRONMENT = "environment"
    ADDRESS = "source address"


class EndpointCall(NamedTuple):
    """A call as the checks see it.

    `asid` is the id that the caller claims. `claimed_name` stands in for the host name in the certificate where a
    certificate is not required. `operation` is empty if the registration does not limit calls of this kind.
    """

    asid: str
    certificate: ClientCertificate | None
    address: str
    operation: str = ""
    claimed_name: str | None = None


class EndpointRefusal(NamedTuple):
    """Why a call is refused: the check that failed, and a sentence with the cause and the cure."""

    check: EndpointCheck
    text: str


def check_endpoint(endpoint: Endpoint | None, call: EndpointCall) -> EndpointRefusal | None:
    """Return the first check that a call fails; `None` if it passes all. `endpoint` is the one of the call's ASID."""
    if endpoint is None or endpoint.asid != call.asid:
        return EndpointRefusal(EndpointCheck.ASID, _unknown(call.asid))
    for check, find in _CHECKS:
        text = find(endpoint, call)
        if text:
            return EndpointRefusal(check, text)
    return None


def _unknown(asid: str) -> str:
    if not asid:
        return "The call names no ASID. Send the ASID of a registered endpoint."
    return f"No endpoint with the ASID {asid[:20]} is registered here. Register it in this environment."


def _status(endpoint: Endpoint, _call: EndpointCall) -> str:
    if endpoint.status is EndpointStatus.ISSUED:
        return ""
    cure = "Ask an administrator of the environment to issue it."
    return f"The endpoint {endpoint.asid} is {endpoint.status}, so it may not call. {cure}"


def _host_name(endpoint: Endpoint, call: EndpointCall) -> str:
    name = call.claimed_name if call.certificate is None else call.certificate.common_name
    if not name:
        return "The call has no client certificate. Send that of the endpoint with this ASID."
    if name.lower() == endpoint.fqdn.lower():
        return ""
    return f"The host name {name[:100]} is not that of the endpoint {endpoint.asid}. Send the registered one."


def _certificate(endpoint: Endpoint, call: EndpointCall) -> str:
    """Refuse a certificate of a registered issuer that is not registered itself."""
    if call.certificate is None or call.certificate.fingerprint in _fingerprints(endpoint):
        return ""
    if not endpoint.certificates:
        return f"The endpoint {endpoint.asid} has no registered certificate. Register that with this SHA-256: " + (
            f"{call.certificate.fingerprint}."
        )
    if call.certificate.issuer not in _issuers(endpoint):
        return ""  # a certificate of another environment: a later check explains it
    serial, cure = call.certificate.serial, "Register it, or send the one that is registered."
    return f"The certificate {serial} is not registered for the endpoint {endpoint.asid}. {cure}"


def _operation(endpoint: Endpoint, call: EndpointCall) -> str:
    if not call.operation or call.operation in endpoint.operations:
        return ""
    cure = "Add it to the operations of its registration."
    return f"The operation {call.operation} is not registered for the endpoint {endpoint.asid}. {cure}"


def _environment(endpoint: Endpoint, call: EndpointCall) -> str:
    if call.certificate is None or call.certificate.fingerprint in _fingerprints(endpoint):
        return ""
    issuers = " and ".join(_issuers(endpoint))
    return (
        f"The certificate is issued by {call.certificate.issuer}. Certificates of the endpoint {endpoint.asid} in the "
        f"environment {endpoint.environment} are issued by {issuers}. Send the certificate of this environment."
    )


def _address(endpoint: Endpoint, call: EndpointCall) -> str:
    if not endpoint.source_addresses or is_in(call.address, networks_of(endpoint.source_addresses)):
        return ""
    cure = "Call from a registered address, or add this one to the registration."
    return f"The endpoint {endpoint.asid} may not call from the address {call.address[:64]}. {cure}"


def _fingerprints(endpoint: Endpoint) -> frozenset[str]:
    return frozenset(each.fingerprint for each in endpoint.certificates)


def _issuers(endpoint: Endpoint) -> list[str]:
    return sorted({each.issuer for each in endpoint.certificates})


_CHECKS: Final[tuple[tuple[EndpointCheck, Callable[[Endpoint, EndpointCall], str]], ...]] = (
    (EndpointCheck.STATUS, _status),
    (EndpointCheck.HOST_NAME, _host_name),
    (EndpointCheck.CERTIFICATE, _certificate),
    (EndpointCheck.OPERATION, _operation),
    (EndpointCheck.ENVIRONMENT, _environment),
    (EndpointCheck.ADDRESS, _address),
)
