"""Addresses and networks from which callers call."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks that addresses and networks name, such as 10.0.0.1 and 10.1.0.0/16. Raises ValueError."""
    return tuple(ip_network(text) for text in texts)


def is_network(text: str) -> bool:
    """Return whether a text names an address or a network."""
    try:
        networks_of([text])
    except ValueError:
        return False
    return True


def is_in(host: str, networks: Iterable[Network]) -> bool:
    """Return whether a host is an address in one of these networks."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks)
