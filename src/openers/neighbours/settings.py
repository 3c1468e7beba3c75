"""The settings of PDS: whether they fit each other. `openers.settings` has their fields and calls it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class NeighbourSettings(Protocol):
    """The settings that belong together."""

    @property
    def production(self) -> bool:
        """Return whether this is for real use."""
        ...

    @property
    def pds_url(self) -> str | None:
        """Return the base address of PDS."""
        ...

    @property
    def pds_token_url(self) -> str | None:
        """Return the address of its tokens."""
        ...

    @property
    def pds_client_id(self) -> str | None:
        """Return the API key of this service."""
        ...

    @property
    def pds_key_file(self) -> Path | None:
        """Return the file of the key that signs."""
        ...


def neighbour_problems(settings: NeighbourSettings) -> list[str]:
    """Return conflicts between these settings, each with its cure. Only a sandbox needs no token."""
    needed = {
        "OPENERS_PDS_TOKEN_URL": settings.pds_token_url,
        "OPENERS_PDS_CLIENT_ID": settings.pds_client_id,
        "OPENERS_PDS_KEY_FILE": settings.pds_key_file,
    }
    absent = [name for name, value in needed.items() if value is None]
    given = [name for name in needed if name not in absent]
    if settings.pds_url is None:
        return [f"{' and '.join(given)} need OPENERS_PDS_URL, the address of PDS"] if given else []
    if absent and (given or settings.production):
        return [f"Patients from PDS need {' and '.join(absent)} too"]
    return []
