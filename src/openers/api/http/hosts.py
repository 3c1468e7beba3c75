"""By which names this service is reached, and what a request must say of that.

Test control and pages answer only requests to one of these names: else a page elsewhere could reach them through
somebody's browser, by a name that it points here after it was loaded (DNS rebinding). The FHIR API, which needs a
token, answers to whatever name a proxy passes on. Source: RFC 9112 chapter 3.2, RFC 9110 chapter 15.5.20.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import msgspec

from openers.api.http.request import Request, Stop
from openers.wire import problems

LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened at
LONGEST_SHOWN: Final = 100
"""How much of a refused name is repeated, in characters."""


class OwnHosts(msgspec.Struct, frozen=True):
    """The names of this service, in small letters, without ports: a port forwarded to this one is no other service.

    `any_address`: every IP address is one of its own. No name can be pointed at the service so.
    """

    names: frozenset[str] = LOCAL
    any_address: bool = False

    def has(self, host: str) -> bool:
        """Whether a Host header names this service."""
        name = _name_of(host)
        return name in self.names or (self.any_address and _is_address(name))


def own_hosts(base_url: str, listens_at: str, more: Iterable[str] = ()) -> OwnHosts:
    """The names of a service that is reached at `base_url` and listens at a host; `more` come from the settings."""
    names = {_name_of(urlsplit(base_url).netloc.rpartition("@")[2]), _name_of(listens_at), *map(_name_of, more)}
    return OwnHosts(frozenset(names - EVERYWHERE) | LOCAL, any_address=listens_at in EVERYWHERE)


def check_host(request: Request, own: OwnHosts | None) -> None:
    """Raise Stop unless the request names one host, as HTTP/1.1 asks, and where `own` is given one of these."""
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
    """The name in `name`, `name:port`, `[address]:port` or a bare IPv6 address."""
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
