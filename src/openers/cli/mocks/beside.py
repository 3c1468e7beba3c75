"""Mock servers of national services beside the demo: `openers demo --neighbours`."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from openers.cli.children import child
from openers.cli.problems import is_used
from openers.identity.registered_keys import new_pair
from openers.key_files import make_once
from openers.listening import Wanted, address_of, reached_at
from openers.places import PlaceKind, places_of
from openers.settings import Settings
from openers.worlds.mocks import ods, pds

PDS_ABOVE: Final = 5
ODS_ABOVE: Final = 6
"""Ports of the mocks minus that of the service."""
CLIENT_ID: Final = "demo"


class Neighbours(NamedTuple):
    """The mocks that run beside the service, if any: where, and the files of their key and logs."""

    pds_at: Wanted
    ods_at: Wanted
    folder: Path
    world: str

    @property
    def addresses(self) -> Sequence[Wanted]:
        """Return their addresses."""
        return (self.pds_at, self.ods_at)

    @property
    def key(self) -> Path:
        """Return the file of the private key with which the service asks PDS."""
        return self.folder / "pds.jwk"

    @property
    def public_key(self) -> Path:
        """Return the file of its public key."""
        return self.folder / "pds.jwk.public"

    @contextmanager
    def running(self) -> Generator[None]:
        """Run both until the end of the block."""
        with (
            self._child(self.pds_at, "pds", "--public-key", str(self.public_key)),
            self._child(self.ods_at, "ods"),
        ):
            yield

    def write_key(self) -> None:
        """Write the pair of keys, unless they exist."""
        if not self.public_key.exists():
            private, public = new_pair()
            self.key.unlink(missing_ok=True)
            make_once(self.key, lambda: private)
            make_once(self.public_key, lambda: public)

    @contextmanager
    def _child(self, at: Wanted, name: str, *words: str) -> Generator[None]:
        command = [sys.executable, "-m", "openers.cli.main", "mock", name, *words, "--world", self.world]
        command += ["--host", at.host, "--port", str(at.port)]
        with child(at.who, command, self.folder / f"{name}.log", reached_at(at.host, at.port)):
            yield


def asking(settings: Settings, near: Neighbours | None) -> Settings:
    """Return the settings of a service that asks these mocks, with its key written."""
    if near is None:
        return settings
    near.write_key()
    asked, listed = (address_of(each.host, each.port) for each in near.addresses)
    return msgspec.structs.replace(
        settings,
        pds_url=f"{asked}{pds.BASE}",
        pds_token_url=f"{asked}{pds.TOKEN}",
        pds_client_id=CLIENT_ID,
        pds_key_file=near.key,
        ods_url=f"{listed}{ods.BASE}",
    )


def neighbours_of(settings: Settings, world: str) -> Neighbours:
    """Return the mocks of a service with the content of a pack, five and six ports above the service."""
    return Neighbours(
        Wanted("the mock PDS", settings.host, settings.port + PDS_ABOVE, "--port"),
        Wanted("the mock ODS", settings.host, settings.port + ODS_ABOVE, "--port"),
        places_of(settings.database_url, is_used).of(PlaceKind.MOCKS),
        world,
    )
