"""Which addresses a log-in may send the browser back to.

Called by the authorisation endpoint before anything is sent anywhere. Exact comparison with what is registered; for
native applications any port of a registered loopback address. Source: RFC 6749 chapter 3.1.2, RFC 8252 chapter 7.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import SplitResult, urlencode, urlsplit

LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})


def is_registered(address: str, registered: Iterable[str]) -> bool:
    """Whether the browser may be sent to `address`."""
    return any(address == each or _differ_in_port_alone(address, each) for each in registered)


def with_answer(address: str, answer: Mapping[str, str]) -> str:
    """`address` with the parameters of an answer added to its query."""
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(answer)}"


def origin(address: str) -> str:
    """Scheme, host and port of `address`, or its scheme alone for an address of a private kind."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def _differ_in_port_alone(address: str, registered: str) -> bool:
    known = urlsplit(registered)
    if known.scheme != "http" or known.hostname not in LOOPBACK:
        return False
    try:
        asked = urlsplit(address)
        host = f"[{asked.hostname}]" if asked.hostname == "::1" else asked.hostname
        rebuilt = f"http://{host}:{asked.port}"
    except ValueError:
        return False
    # rebuilt from its parts, so that nothing else (a user name, odd spelling) hides in the address
    return address == f"{rebuilt}{_after_host(known)}" and asked.hostname == known.hostname


def _after_host(parts: SplitResult) -> str:
    return parts.path + (f"?{parts.query}" if parts.query else "")
