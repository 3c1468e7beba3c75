"""A complete Test PAS, built from its parts."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Final

import anyio
import msgspec

from openers_testpas.auth import Doorkeeper, ServiceKeys
from openers_testpas.bookings import Bookings
from openers_testpas.faults import Faults
from openers_testpas.fhir import AppointmentWriter
from openers_testpas.hospital.clinics import USUAL, Clinic, read_clinics
from openers_testpas.hospital.clock import MICROSECOND, Clock, Wall, wall
from openers_testpas.hospital.slots import Slots
from openers_testpas.hospital.store import Store
from openers_testpas.options import Options
from openers_testpas.outbound.notifications import Notifier, Pauses
from openers_testpas.outbound.outbox import Outbox
from openers_testpas.outbound.service import Http, Tokens, read_client_key

OFFSET: Final = "clock_offset"
LOOK_FOR_A_NEW_DAY_EVERY_S: Final = 60


class System:
    """The parts, and the two background tasks: fill the diary each day, notify the service."""

    def __init__(self, options: Options, wall: Wall = wall) -> None:
        """Open the store and fill the diary. Raises InUse, BadClinics or BadKey."""
        self.options: Final = options
        self.clinics: Final = read_clinics(options.clinics)
        self.key: Final = read_client_key(options.client_id, options.client_key) if options.client_key else None
        self.store: Final = Store(options.database)
        for body in self.store.clinics():
            self.clinics.add(msgspec.json.decode(body, type=Clinic))
        self.clock: Final = Clock(wall, self.store.fact(OFFSET) * MICROSECOND)
        self.http: Final = Http()
        self.faults: Final = Faults(options.seed, options.faults)
        self.outbox: Final = Outbox(self.store)
        self.notifier: Final = Notifier(self.outbox, self.http, f"{options.service_address}/pas/notifications", wall)
        self.writer: Final = AppointmentWriter(f"{options.service_url}/referrals/FHIR/STU3/CodeSystem")
        self.slots: Final = Slots(self.store, self.clinics, self.clock)
        self.bookings: Final = Bookings(self.store, self.clock, self.writer, self.notifier.wake)
        keys = ServiceKeys(partial(self.http.get, f"{options.service_address}/oauth2/jwks"), wall)
        self.doorkeeper: Final = Doorkeeper(keys, self.store, wall, (options.service_url, options.fhir_url))
        self._wall = wall
        self._filled: date | None = None
        self.fill()

    def fill(self) -> None:
        """Add the calendar's slots from today on to the diary."""
        self.slots.fill(self.options.days, self.options.seed)
        self._filled = self.clock.today()

    def make_clinic(self, service: str, name: str) -> tuple[Clinic, ...]:
        """Return the clinics of a service; if it has none, make one with the usual sessions and fill its diary.

        Raises BadClinics.
        """
        if not self.clinics.of_service(service):
            clinic = Clinic(id=service, service=service, name=name, sessions=USUAL)
            self.clinics.add(clinic)
            with self.store.change(0):
                self.store.add_clinic(clinic.id, msgspec.json.encode(clinic))
            self.fill()
        return tuple(self.clinics.of_service(service))

    def keep_clock(self) -> None:
        """Store the clock's offset, so that it outlives this process."""
        with self.store.change(0):
            self.store.set_fact(OFFSET, self.clock.offset // MICROSECOND)

    async def run(self) -> None:
        """Run the background tasks, for ever. Needs `http` to be open."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._fill_daily)
            if self.key is not None:
                tokens = Tokens(self.http, self.options, self.key, self._wall)
                pauses = Pauses(self.options.first_pause_s, self.options.longest_pause_s)
                group.start_soon(self.notifier.run, tokens, pauses)

    async def _fill_daily(self) -> None:
        while True:
            await anyio.sleep(LOOK_FOR_A_NEW_DAY_EVERY_S)
            if self.clock.today() != self._filled:
                self.fill()
