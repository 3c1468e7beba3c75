"""The assessments of products: each reads the exchange log of an environment and goes on where it stopped.

They are kept in memory and begin anew after a restart, from the oldest exchange that the environment still has.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

import anyio

from openers_assurance import Assessment, Exchange, UnreadableLog, in_order, read_ndjson
from openers_portal.environment import Environment, EnvironmentDown

MOST: Final = 50
"""Assessments in memory."""
MOST_PAGES: Final = 40
"""Pages of the log, of about 1 MB each, that are read for one view; the next view goes on."""
Key = tuple[str, frozenset[str]]
"""An environment, and the systems whose calls are assessed."""


class _Followed:
    """An assessment, and where it is in the log."""

    def __init__(self, callers: frozenset[str]) -> None:
        self.assessment: Final = Assessment(callers)
        self.cursor = "0"
        self.turn: Final = anyio.Lock()


class Assessments:
    """The assessments of all products."""

    def __init__(self, environments: Mapping[str, Environment]) -> None:
        """Read the logs of these environments."""
        self._environments = environments
        self._kept: OrderedDict[Key, _Followed] = OrderedDict()

    async def of(self, environment: str, callers: frozenset[str]) -> tuple[Assessment, bool]:
        """Return an assessment brought up to date, and whether it has reached the end of the log.

        Raises EnvironmentDown, EnvironmentRefuses, KeyError for an unknown environment.
        """
        key, source = (environment, callers), self._environments[environment]
        followed = self._kept.setdefault(key, _Followed(callers))
        self._kept.move_to_end(key)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        async with followed.turn:
            is_whole = await self._read(followed, source)
        return followed.assessment, is_whole

    async def _read(self, followed: _Followed, source: Environment) -> bool:
        for _ in range(MOST_PAGES):
            lines, cursor = await source.exchanges(followed.cursor)
            if not lines:
                return True
            try:
                found = await anyio.to_thread.run_sync(_sorted_page, lines)
            except UnreadableLog as error:
                raise EnvironmentDown(f"{source.settings.name} sent a log that cannot be read: {error}") from error
            for exchange in found:
                followed.assessment.add(exchange)
            followed.cursor = cursor
        return False


def _sorted_page(lines: bytes) -> list[Exchange]:
    """Return the exchanges of a page in their order."""
    return list(in_order(read_ndjson(lines.splitlines())))
