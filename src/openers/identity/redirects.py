"""Checks the addresses to which a log-in or log-out may redirect the browser.

The endpoints call this module before they redirect. An address must equal a registered one exactly. For native
applications, a registered loopback address permits any port. In test mode any address on the browser's own machine
will do. Source: RFC 6749 chapter 3.1.2, RFC 8252 chapter 7.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import SplitResult, urlencode, urlsplit

LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
ON_THIS_MACHINE: Final = re.compile(
    r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::([1-9][0-9]{0,4}))?(?:[/?][!-\"$-\[\]-~]*)?", re.ASCII
)
"""An address at the browser's own machine, with its port. It has no user name, fragment, backslash or space."""
LAST_PORT: Final = 65535


def is_registered(address: str, registered: Iterable[str]) -> bool:
    """Return whether the browser may be redirected to `address`."""
    return any(address == each or _differ_in_port_alone(address, each) for each in registered)


def is_on_this_machine(address: str) -> bool:
    """Return whether an address leads to the browser's own machine, and says so in its plainest spelling."""
    found = ON_THIS_MACHINE.fullmatch(address)
    return found is not None and int(found[1] or 1) <= LAST_PORT


def with_answer(address: str, answer: Mapping[str, str]) -> str:
    """Return `address` with the parameters of the answer added to its query."""
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(answer)}"


def origin(address: str) -> str:
    """Return scheme, host and port of `address`; only its scheme if the address has a private one."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def web_origin(address: str) -> str:
    """Return the origin of an http or https address; an empty text for others."""
    return origin(address) if address.startswith(("http://", "https://")) else ""


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
    # built again from its parts, so that nothing else (a user name, unusual spelling) can hide in the address
    return address == f"{rebuilt}{_after_host(known)}" and asked.hostname == known.hostname


def _after_host(parts: SplitResult) -> str:
    return parts.path + (f"?{parts.query}" if parts.query else "")
