"""Prove a connection step by step, and say at the first step that fails what to do.

Steps: the address, the host's name, the port, TLS and its certificate, the service, the key, the token, the role, a
first call. A step that does not apply is left out.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from openers_client import (
    Application,
    CallRejected,
    ErsClient,
    ErsError,
    LogInFailed,
    NotAllowed,
    NotLoggedIn,
    Role,
    Session,
)
from openers_client.caller import Caller

WITHIN_S: Final = 10
MOST_SKEW_S: Final = 60
"""Difference of clocks in seconds from which signed assertions are refused."""
SOON_DAYS: Final = 14


@dataclass(frozen=True)
class Step:
    """One step: what was checked, whether it holds, what was found, and what to do if it does not hold."""

    name: str
    holds: bool
    found: str
    cure: str = ""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The connection to prove. `user` logs in without a browser, which only services in test mode allow."""

    service: str
    application: Application
    user: str | None = None
    role: Role | None = None


async def prove(wanted: Wanted) -> AsyncIterator[Step]:
    """Yield each step, up to the first that fails."""
    for check in (_address, _name, _port, _certificate, _clock):
        step = await check(wanted)
        if step is not None:
            yield step
            if not step.holds:
                return
    async with ErsClient(wanted.service) as client:
        async for step in _calls(client, wanted):
            yield step
            if not step.holds:
                return


async def _address(wanted: Wanted) -> Step | None:
    parts = urlsplit(wanted.service)
    good = parts.scheme in ("http", "https") and bool(parts.hostname)
    cure = "Give an address like https://service.example, without /referrals/FHIR"
    return Step("address", good, wanted.service, "" if good else cure)


async def _name(wanted: Wanted) -> Step | None:
    host, port = _place(wanted)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        cure = "Check the host in the address. If it is right, ask your network team for its DNS entry"
        return Step("name", False, f"{host} has no address: {error}", cure)
    return Step("name", True, f"{host} is {found[0][4][0]}")


async def _port(wanted: Wanted) -> Step | None:
    host, port = _place(wanted)
    try:
        async with asyncio.timeout(WITHIN_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        cure = "Check the port in the address, that the service runs, and that no firewall is between"
        return Step("port", False, f"{host}:{port} does not accept connections: {_said(error)}", cure)
    writer.close()
    return Step("port", True, f"{host}:{port} accepts connections")


async def _certificate(wanted: Wanted) -> Step | None:
    if urlsplit(wanted.service).scheme != "https":
        return None
    host, port = _place(wanted)
    try:
        async with asyncio.timeout(WITHIN_S):
            _, writer = await asyncio.open_connection(
                host, port, ssl=ssl.create_default_context(), server_hostname=host
            )
    except ssl.SSLCertVerificationError as error:
        return Step("certificate", False, error.verify_message, _certificate_cure(error))
    except (OSError, TimeoutError) as error:
        cure = "The port does not speak TLS, or no common version: use http:// or the TLS port"
        return Step("certificate", False, _said(error), cure)
    certificate = writer.get_extra_info("peercert")
    writer.close()
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    left = (ends - datetime.now(UTC)).days
    warned = f" (only {left} days left)" if left < SOON_DAYS else ""
    return Step("certificate", True, f"valid until {ends:%d %B %Y}{warned}")


async def _clock(wanted: Wanted) -> Step | None:
    """Compare this machine's clock with the service's, since assertions are valid for some minutes only."""
    url = f"{wanted.service.rstrip('/')}/referrals/_ping"
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN_S), trust_env=True) as session:
            reply = await session.get(url)
    except (aiohttp.ClientError, TimeoutError) as error:
        return Step("service", False, _said(error), "Something else listens there: check the address")
    if reply.status >= 400:
        return Step("service", False, f"{url} returned {reply.status}", "Not an e-Referral Service: check the address")
    if "Date" not in reply.headers:
        return Step("service", True, f"{url} returned {reply.status}")
    skew = (datetime.now(UTC) - parsedate_to_datetime(reply.headers["Date"])).total_seconds()
    good = abs(skew) <= MOST_SKEW_S
    cure = "" if good else "Set this machine's clock: signed assertions with a wrong time are refused"
    return Step("clock", good, f"{abs(skew):.0f} s from the service's", cure)


async def _calls(client: ErsClient, wanted: Wanted) -> AsyncIterator[Step]:
    try:
        session = await _session(client, wanted)
    except (LogInFailed, ErsError) as error:
        yield Step("token", False, str(error), _token_cure(str(error)))
        return
    except (KeyError, ValueError) as error:
        yield Step("key", False, _said(error), "Name the file of a private RSA key as JSON Web Key, with its kid")
        return
    yield Step("token", True, f"issued to {wanted.application.client_id}, valid for {session.tokens.expires_in_s} s")
    caller = client.caller(session, wanted.role)
    if wanted.user is not None:
        step = await _role(caller, wanted.role)
        yield step
        if not step.holds:
            return
    if wanted.role is None and wanted.user is not None:
        return
    try:
        found = await caller.code_system("PRIORITY")
    except ErsError as error:
        yield Step("first call", False, str(error), _call_cure(error))
        return
    yield Step("first call", True, f"A004 returned {len(found.codes)} priorities")


async def _role(caller: Caller, wanted: Role | None) -> Step:
    """Check that the user has the role, or tell which ones they have."""
    try:
        roles = await caller.my_roles()
    except ErsError as error:
        return Step("role", False, str(error), _call_cure(error))
    held = ", ".join(f"{each.business_function} at {each.organisation}" for each in roles)
    if wanted is None:
        return Step("role", True, held)
    asked = f"{wanted.business_function} at {wanted.organisation}"
    if any(_same(each, wanted) for each in roles):
        return Step("role", True, asked)
    if all(each.organisation != wanted.organisation for each in roles):
        asked = f"the user has no role at the organisation {wanted.organisation}"
    return Step("role", False, asked, f"Use one of: {held}")


async def _session(client: ErsClient, wanted: Wanted) -> Session:
    if wanted.user is not None:
        return await client.log_in_as(wanted.application, wanted.user)
    return await client.application_session(wanted.application)


def _place(wanted: Wanted) -> tuple[str, int]:
    parts = urlsplit(wanted.service)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _same(held: Role, asked: Role) -> bool:
    return (held.organisation, held.business_function) == (asked.organisation, asked.business_function)


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _certificate_cure(error: ssl.SSLCertVerificationError) -> str:
    said = error.verify_message
    if "expired" in said:
        return "The service's certificate has expired: its operator must renew it"
    if "not yet valid" in said:
        return "The service's certificate is not valid yet: check this machine's clock"
    if "hostname" in said.lower() or "IP address" in said:
        return "The certificate is for another host: use the name in the certificate"
    return "Add the service's certificate authority to the trusted ones, for example with SSL_CERT_FILE"


def _token_cure(said: str) -> str:
    cures = {
        "kid": "The service knows no such key of this application: register the key, or use the registered kid",
        "signature": "The private key does not belong to the registered public key: use the other half",
        "exp": "The assertion's times are refused: set this machine's clock",
        "client": "Check the client id, and that the application is registered in this environment",
        "user": "Check the user id; only services in test mode log in without a browser",
        "redirect": "Register the redirect address of this application",
    }
    return next((cure for word, cure in cures.items() if word in said.lower()), "Read the reason, and check key and id")


def _call_cure(error: ErsError) -> str:
    if not isinstance(error, CallRejected):
        return "Try again; the service did not answer"
    said = error.diagnostics.lower()
    if "asid" in said:
        return "Ask the operator to register an ASID for this application"
    if isinstance(error, NotLoggedIn):
        return "The log-in is too weak or has ended: log in with a stronger authenticator (AAL2 or AAL3)"
    if isinstance(error, NotAllowed):
        return "The role or organisation is not allowed: check the business function and the ODS code"
    return "Read the reason above; in test mode the explanation says more"
