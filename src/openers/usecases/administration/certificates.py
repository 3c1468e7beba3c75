"""Issue a certificate for an endpoint: an authority signs the request, and the endpoint gets the certificate.

A certificate is revoked by its serial number: the authority lists it, and the endpoint loses it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from openers.domain.administration.administrator import Administrator
from openers.domain.administration.rights import Method, Reach, Resource
from openers.domain.endpoints.endpoint import Endpoint, EndpointCertificate, EndpointStatus
from openers.usecases.administration.kinds import KINDS
from openers.usecases.administration.records import ANY_VERSION, Act, How, PutRecord, put_in, read_record, run_act
from openers.usecases.administration.refusals import NoSuchRecord, NotAllowed, Unfit
from openers.usecases.administration.repeats import Change
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

MOST_CERTIFICATES: Final = 10
"""Certificates of an endpoint."""


class CertificateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certificate signing request (CSR) as PEM, and how many days the certificate is valid."""

    request: Annotated[str, Meta(min_length=1, max_length=16_000)]
    days: Annotated[int, Meta(ge=1, le=1095)] = 365


class IssuedCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """An issued certificate.

    `certificate` is it as PEM, followed by that of its issuer. `trust` has the authorities, which a caller trusts to
    recognise the service. `fingerprint` (SHA-256) and `serial` are hexadecimal.
    """

    certificate: str
    trust: str
    fingerprint: str
    issuer: str
    serial: str
    not_after: datetime


class Authorities(Protocol):
    """The certificate authorities of environments."""

    async def sign(self, environment: str, name: str, wanted: CertificateRequest) -> IssuedCertificate:
        """Return a certificate for a request whose common name must be `name`. Raises Unfit."""
        ...

    async def revoke(self, environment: str, name: str, serial: str) -> str | None:
        """Revoke a certificate of `name`, once; return its fingerprint, `None` if none was issued. Raises Unfit."""
        ...


async def issue_certificate(
    key: str, wanted: CertificateRequest, by: Administrator, authorities: Authorities, place: CertificatePlace
) -> IssuedCertificate:
    """Sign a request and register the certificate for the endpoint with this ASID, which may call from now on.

    Raises AdministrationRefused, RecordLocked, Unavailable. If the last step fails, the certificate opens nothing.
    """
    world = place.world
    endpoint = await _changeable(key, by, world)
    _check(endpoint)
    signed = await authorities.sign(endpoint.environment, endpoint.fqdn, wanted)
    added = EndpointCertificate(fingerprint=signed.fingerprint, issuer=signed.issuer)

    async def _add(tx: Tx) -> Change:
        present = await KINDS[Resource.ENDPOINTS].register(tx).get(key)
        before: Endpoint = endpoint if present is None else present.value
        _check(before)  # again: it may have changed while the authority signed
        after = msgspec.structs.replace(
            before, certificates=(*before.certificates, added), status=EndpointStatus.ISSUED
        )
        return await put_in(tx, PutRecord(resource=Resource.ENDPOINTS, value=after, expected=ANY_VERSION), by, world)

    act = Act(f"issue a certificate for {key}", KINDS[Resource.ENDPOINTS].locks(key))
    await run_act(act, _add, How(noted=lambda _change: place.noted()), world)
    return signed


async def revoke_certificate(
    key: str, serial: str, by: Administrator, authorities: Authorities, place: CertificatePlace
) -> None:
    """Revoke a certificate of the endpoint with this ASID. A revoked one may be revoked again, which changes nothing.

    Raises AdministrationRefused, RecordLocked, Unavailable. A repetition finishes what was interrupted.
    """
    world = place.world
    endpoint = await _changeable(key, by, world)
    fingerprint = await authorities.revoke(endpoint.environment, endpoint.fqdn, serial)
    if fingerprint is None:
        cause = f"no certificate of {key} has the serial number {serial[:80]}"
        raise NoSuchRecord(cause, "path", "send the serial number of the reply that issued it")

    async def _remove(tx: Tx) -> Change:
        present = await KINDS[Resource.ENDPOINTS].register(tx).get(key)
        before: Endpoint = endpoint if present is None else present.value
        kept = tuple(each for each in before.certificates if each.fingerprint != fingerprint)
        after = msgspec.structs.replace(before, certificates=kept)
        return await put_in(tx, PutRecord(resource=Resource.ENDPOINTS, value=after, expected=ANY_VERSION), by, world)

    act = Act(f"revoke a certificate of {key}", KINDS[Resource.ENDPOINTS].locks(key))
    await run_act(act, _remove, How(noted=lambda _change: place.noted()), world)


async def _changeable(key: str, by: Administrator, world: World) -> Endpoint:
    """Return an endpoint that the caller may change. Raises NotAllowed, NoSuchRecord."""
    endpoint: Endpoint = (await read_record(Resource.ENDPOINTS, key, by, world)).value
    if by.reach(Resource.ENDPOINTS, Method.PUT) is Reach.NONE:
        cure = "use an application or a role that may change endpoints"
        raise NotAllowed(f"{by.caller} may not change endpoints", "Authorization", cure)
    return endpoint


def _check(endpoint: Endpoint) -> None:
    """Raise Unfit unless the endpoint may get another certificate."""
    if endpoint.status not in (EndpointStatus.REQUESTED, EndpointStatus.ISSUED):
        raise Unfit(f"the endpoint is {endpoint.status}", "path", "change its status first, or register another one")
    if len(endpoint.certificates) >= MOST_CERTIFICATES:
        cure = "remove those that are no longer used from the endpoint"
        raise Unfit(f"the endpoint has {len(endpoint.certificates)} certificates", "path", cure)


class CertificatePlace(msgspec.Struct, frozen=True):
    """Where a certificate is issued. `noted` is called before the act commits, so that the audit has the outcome."""

    world: World
    noted: Callable[[], None]
