"""The whole store of the portal: its database and the records in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from openers_portal.store.answers import AnswersStore
from openers_portal.store.cards import Cards
from openers_portal.store.cases import Cases
from openers_portal.store.desk_questions import DeskQuestions
from openers_portal.store.endpoints import Endpoints
from openers_portal.store.interests import Interests
from openers_portal.store.items import Items
from openers_portal.store.mails import Mails
from openers_portal.store.packs import Packs
from openers_portal.store.partners import Partners
from openers_portal.store.signatures import Signatures
from openers_portal.store.staff import Staff
from openers_portal.store.statements import Statements
from openers_portal.store.tables import TABLES, migrate
from openers_web.database import Database


class PortalStore:
    """The records of the portal, by subject."""

    def __init__(self, url: str, operators: Sequence[str], clock: Callable[[], datetime]) -> None:
        """Connect lazily to a database URL. Raises ValueError for another kind of database."""
        self._database = Database(url, TABLES)
        self.items: Final = Items(self._database, clock)
        self.staff: Final = Staff(self._database, operators)
        self.cards: Final = Cards(self._database, clock)
        self.answers: Final = AnswersStore(self._database, clock)
        self.cases: Final = Cases(self._database, clock)
        self.endpoints: Final = Endpoints(self._database, clock)
        self.signatures: Final = Signatures(self._database)
        self.statements: Final = Statements(self._database, clock)
        self.packs: Final = Packs(self._database, clock)
        self.partners: Final = Partners(self._database, clock)
        self.mails: Final = Mails(self._database, clock)
        self.desk_questions: Final = DeskQuestions(self._database, self.mails, clock)
        self.interests: Final = Interests(self._database, self.mails, clock)

    async def open(self) -> None:
        """Bring the store up to the present schema. Raises NewerStore, and errors of the database."""
        await self._database.run(migrate)

    async def close(self) -> None:
        """Close all connections."""
        await self._database.close()
