"""The assessments of products: each reads the exchange log of an environment and goes on where it stopped.

They are kept in memory. After a restart each is read again, from its beginning or the oldest exchange.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

import anyio

from openers_assurance import Assessment, Sorter, UnreadableLog, read_ndjson
from openers_portal.environment import Environment, EnvironmentDown

MOST: Final = 50
"""Assessments in memory."""
MOST_PAGES: Final = 40
"""Pages of the log, of about 1 MB each, that are read for one view; the next view goes on."""
BEGINNING: Final = "0"
"""The cursor before the oldest exchange."""
Key = tuple[str, frozenset[str], str]
"""An environment, the systems whose calls are assessed, and the cursor after which they count."""


class Present(NamedTuple):
    """An assessment as it is now, the cursor behind what was read, and whether that is the end of the log."""

    assessment: Assessment
    cursor: str
    is_whole: bool


class _Followed:
    """An assessment, and where it is in the log.

    Calls are logged when they end. So the last ones wait to be judged, since an earlier call may still come.
    """

    def __init__(self, callers: frozenset[str], since: str) -> None:
        self._assessment: Final = Assessment(callers)
        self._sorter: Final = Sorter()
        self.cursor = since
        self.turn: Final = anyio.Lock()

    def read(self, lines: bytes) -> None:
        """Judge the exchanges of a page. Raises UnreadableLog, and then has judged none."""
        for each in list(read_ndjson(lines.splitlines())):
            if self._assessment.covers(each):
                for ready in self._sorter.add(each):
                    self._assessment.add(ready)

    def present(self) -> Assessment:
        """Return the assessment with the calls that wait, as if no earlier one came."""
        return self._assessment.followed_by(self._sorter.waiting)


class Assessments:
    """The assessments of all products."""

    def __init__(self, environments: Mapping[str, Environment]) -> None:
        """Read the logs of these environments."""
        self._environments = environments
        self._kept: OrderedDict[Key, _Followed] = OrderedDict()

    async def of(self, environment: str, callers: frozenset[str], since: str = BEGINNING) -> Present:
        """Return an assessment of the calls after a cursor, brought up to date.

        Raises EnvironmentDown, EnvironmentRefuses, KeyError for an unknown environment.
        """
        key, source = (environment, callers, since), self._environments[environment]
        followed = self._kept.setdefault(key, _Followed(callers, since))
        self._kept.move_to_end(key)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        async with followed.turn:
            is_whole = await self._read(followed, source)
            return Present(await anyio.to_thread.run_sync(followed.present), followed.cursor, is_whole)

    async def _read(self, followed: _Followed, source: Environment) -> bool:
        for _ in range(MOST_PAGES):
            lines, cursor = await source.exchanges(followed.cursor)
            if not lines:
                return True
            try:
                await anyio.to_thread.run_sync(followed.read, lines)
            except UnreadableLog as error:
                raise EnvironmentDown(f"{source.settings.name} sent a log that cannot be read: {error}") from error
            followed.cursor = cursor
        return False
