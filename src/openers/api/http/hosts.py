"""The host names of this service, and the check of a request's Host header.

Test control and pages serve only requests to one of these names. Otherwise a foreign web page could reach them from a
user's browser by pointing its own name here (DNS rebinding). The FHIR API requires a token and accepts any name that a
proxy passes on. Source: RFC 9112 chapter 3.2, RFC 9110 chapter 15.5.20.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import msgspec

from openers.api.http.request import Request, Stop
from openers.listening import WILDCARDS
from openers.wire import problems

LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
EVERYWHERE: Final = frozenset(WILDCARDS)
LONGEST_SHOWN: Final = 100
"""Characters of a refused host name that the reply repeats."""


class OwnHosts(msgspec.Struct, frozen=True):
    """The names of this service, in lower case, without ports, because a forwarded port reaches the same service.

    With `any_address`, the service accepts each IP address as its own; DNS rebinding needs a name.
    """

    names: frozenset[str] = LOCAL
    any_address: bool = False

    def has(self, host: str) -> bool:
        """Return whether a Host header names this service."""
        name = _name_of(host)
        return name in self.names or (self.any_address and _is_address(name))


def own_hosts(base_url: str, listens_at: str, more: Iterable[str] = ()) -> OwnHosts:
    """Return the names of a service from its `base_url`, its listening host, and `more` names of the settings."""
    names = {_name_of(urlsplit(base_url).netloc.rpartition("@")[2]), _name_of(listens_at), *map(_name_of, more)}
    return OwnHosts(frozenset(names - EVERYWHERE) | LOCAL, any_address=listens_at in EVERYWHERE)


def check_host(request: Request, own: OwnHosts | None) -> None:
    """Raise Stop unless the request names exactly one host, as HTTP/1.1 requires, and it is in `own` if given."""
    sent = request.scope["headers"]
    if b"host" not in request.headers:
        wrong = request.scope.get("http_version") == "1.1"
    else:
        wrong = len(request.headers) != len(sent) and sum(name == b"host" for name, _ in sent) > 1
    if wrong:
        raise Stop(problems.one_host())
    if own is not None and not own.has(request.header(b"host")):
        raise Stop(problems.foreign_host(request.header(b"host")[:LONGEST_SHOWN]))


def _name_of(host: str) -> str:
    """Return the name in `name`, `name:port`, `[address]:port` or a bare IPv6 address."""
    text = host.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    name = text if text.count(":") > 1 else text.partition(":")[0]
    return name.rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
