"""Read queries, forms and client credentials sent to the OAuth 2.0 endpoints, within limits."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request

from openers.identity.assertions import ASSERTION_TYPE
from openers.identity.clients import ByAssertion, BySecret
from openers.identity.errors import invalid_client, invalid_request

LONGEST_BODY_BYTES: Final = 64 * 2**10
LONGEST_VALUE: Final = 16 * 2**10
MOST_PARAMETERS: Final = 50
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
FORM: Final = "application/x-www-form-urlencoded"


class Parameters(dict[str, str]):
    """Parameters, each sent once. A parameter without a value counts as not sent (RFC 6749 chapter 3.1)."""

    def needed(self, name: str) -> str:
        """Return the value of a required parameter. Raises OAuthRefusal."""
        if name not in self:
            raise invalid_request(f"Missing {name}")
        return self[name]


def read_query(request: Request) -> Parameters:
    """Return the parameters in the query. Raises OAuthRefusal."""
    raw = request.scope["query_string"]
    return _parse(raw if isinstance(raw, bytes) else b"")


async def read_form(request: Request) -> Parameters:
    """Return the parameters in the body. Raises OAuthRefusal."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise invalid_request(f"Content-Type must be {FORM}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY_BYTES:
            raise invalid_request(f"The request must be at most {LONGEST_BODY_BYTES} bytes long")
    return _parse(bytes(body))


def _parse(raw: bytes) -> Parameters:
    try:
        pairs = parse_qsl(raw.decode("ascii"), max_num_fields=MOST_PARAMETERS, errors="strict")
    except ValueError:
        raise invalid_request("Malformed parameters") from None
    found = Parameters()
    for name, value in pairs:
        if name in found:
            raise invalid_request("A parameter must be sent once")
        if len(value) > LONGEST_VALUE or CONTROL.search(value):
            raise invalid_request("A parameter is too long or holds control characters")
        found[name] = value
    return found


def read_client(request: Request, form: Parameters) -> ByAssertion | BySecret:
    """Return the client's credentials, which must use exactly one method. Raises OAuthRefusal."""
    basic = request.headers.get("authorization")
    ways = ("client_assertion" in form or "client_assertion_type" in form, "client_secret" in form, basic is not None)
    if sum(ways) > 1:
        raise invalid_request("The client must authenticate with one method only")
    if basic is not None:
        return _read_basic(basic)
    if "client_secret" in form:
        return BySecret(form.needed("client_id"), form["client_secret"])
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise invalid_request(f"Missing or invalid client_assertion_type - must be '{ASSERTION_TYPE}'")
    return ByAssertion(form.needed("client_assertion"), form.get("client_id"))


def _read_basic(header: str) -> BySecret:
    scheme, _, encoded = header.partition(" ")
    try:
        name, colon, secret = base64.b64decode(encoded, validate=True).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        colon = name = secret = ""
    if scheme.lower() != "basic" or not colon:
        raise invalid_client("Invalid Authorization header - must be Basic")
    return BySecret(unquote_plus(name), unquote_plus(secret))
