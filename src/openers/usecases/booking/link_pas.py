"""Link a service to the Patient Administration System (PAS) that holds its slots; an administrator does this.

Source: rules chapter 7. The command line calls this.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import msgspec

from openers.domain.booking import PasLink
from openers.domain.codes import BookableType
from openers.domain.errors import Field, InvalidState, ReferenceNotFound
from openers.domain.identifiers import ServiceId
from openers.usecases.booking.poll_slots import POLL
from openers.usecases.world import World

SCHEMES: Final = ("http", "https")


class LinkPas(msgspec.Struct, frozen=True, kw_only=True):
    """The link. `url` is the FHIR base URL of the PAS, `client_id` the application that it uses to notify us."""

    service: ServiceId
    url: str
    client_id: str

    def __post_init__(self) -> None:
        """Raise `ValueError` if `url` is not an address to which paths can be added."""
        if not is_plain(self.url):
            raise ValueError("the address of a PAS must be http(s)://host/path, without user, query or fragment")


async def link_pas(command: LinkPas, world: World) -> None:
    """Link the service, replacing an earlier link, and schedule a full poll. Raises ReferenceNotFound, InvalidState."""
    async with world.begin("link PAS", lock=(f"polling/{command.service}",)) as tx:
        service = await tx.directory.service(command.service)
        if service is None:
            raise ReferenceNotFound(Field.SERVICE, command.service, "is not known")
        if service.value.bookable is not BookableType.DIRECTLY_BOOKABLE:
            raise InvalidState(Field.SERVICE, command.service, "is not directly bookable")
        if await tx.directory.application(command.client_id) is None:
            raise ReferenceNotFound(Field.APPLICATION, command.client_id, "is not registered")
        await tx.links.put(PasLink(command.service, command.url.rstrip("/"), command.client_id))
        await tx.links.forget_polled(command.service)
        await tx.due.add(POLL, command.service, world.clock.now())


def is_plain(url: str) -> bool:
    """Return whether `url` is http(s)://host/path, without user, query or fragment."""
    try:
        parts = urlsplit(url)
        surplus = parts.username or parts.query or parts.fragment or parts.port == 0
    except ValueError:
        return False
    is_written_well = url.isascii() and url.isprintable() and " " not in url
    return is_written_well and parts.scheme in SCHEMES and bool(parts.hostname) and not surplus
