"""What the operations are called on: a referral that awaits triage, one that can be booked, and a booked appointment.

An unbooked referral and a booked appointment are used up by the call that succeeds, and made anew for the next one.
Another referral that awaits triage has a letter, a PDF, which has been scanned.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.kit.files.samples import maintain, scan, upload
from tests.kit.referrals.cast import STATES, Cast, gathered
from tests.kit.referrals.rig import Rig
from tests.kit.referrals.talk import STATES as ADVICE_STATES
from tests.kit.referrals.talk import Talk
from tests.kit.referrals.talk import gathered as talking
from tests.kit.service.arrangements import sent_for_triage
from tests.kit.service.requests import Json
from tests.kit.store.outside import fetch

TRIAGE = "11004"


@dataclass
class Stage:
    """A running service with a PAS behind it; `ubrn` awaits triage and has the `appointment`.

    `file` is the letter of another referral.
    """

    rig: Rig
    ubrn: str
    appointment: str
    file: str
    cast: Cast
    talk: Talk
    _made: dict[str, Json] = field(default_factory=dict[str, Json])
    _unbooked: Json | None = None
    _booked: Json | None = None

    async def unbooked(self) -> Json:
        """A referral that nothing has been done with."""
        if self._unbooked is None:
            self._unbooked = await self.rig.refer(TRIAGE)
        return self._unbooked

    async def made(self, what: str) -> Json:
        """A referral in one of the states of `cast.py`, or a request for advice in one of `talk.py`."""
        if what not in self._made:
            of_advice = ADVICE_STATES.get(what)
            self._made[what] = await (STATES[what][1](self.cast) if of_advice is None else of_advice(self.talk))
        return self._made[what]

    def used(self, what: str) -> None:
        """The next act needs a new referral in this state."""
        del self._made[what]

    async def booked(self) -> Json:
        """An appointment that is booked."""
        booked = self._booked
        if booked is None:
            referral, (slot, *_) = await self.rig.refer(), await self.rig.free()
            reply = await self.rig.book(referral, slot)
            assert reply.status_code == 201, reply.text
            booked = self._booked = dict[str, Any](reply.json())
        return booked

    def used_up(self, *, booked: bool) -> None:
        """The next call needs a new appointment, or else a new referral."""
        if booked:
            self._booked = None
        else:
            self._unbooked = None


async def set_stage(rig: Rig) -> Stage:
    """The stage of a service, with some free slots."""
    await rig.add_slots(200)
    ubrn = await sent_for_triage(rig.run)
    url = rig.run.service.settings.database_url
    ((appointment,),) = await fetch(url, "SELECT appointment FROM referrals WHERE ubrn = ?", ubrn)
    return Stage(rig, ubrn, str(appointment), await _letter(rig), await gathered(rig), await talking(rig.run))


async def _letter(rig: Rig) -> str:
    """The file of a letter that can be fetched by referrer and provider."""
    ubrn = await sent_for_triage(rig.run)
    file = await upload(rig.gp, ubrn=ubrn)
    assert (await rig.gp.post(**maintain(ubrn, 3, file))).status_code == 200
    await scan(rig.run, file)
    return file
