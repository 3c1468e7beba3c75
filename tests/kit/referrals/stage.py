"""The records that operations are called on: a referral that awaits triage, an unbooked referral, and an appointment.

A successful call uses up the unbooked referral or the booked appointment; the next call gets a new one. Another
referral, which awaits triage, has a scanned PDF as its letter.
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
    """A running service with a PAS. The referral `ubrn` awaits triage and has the `appointment`.

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
        """Return a new referral without an appointment."""
        if self._unbooked is None:
            self._unbooked = await self.rig.refer(TRIAGE)
        return self._unbooked

    async def made(self, what: str) -> Json:
        """Return a referral in one of the states of `cast.py`, or a request for advice in one of `talk.py`."""
        if what not in self._made:
            of_advice = ADVICE_STATES.get(what)
            self._made[what] = await (STATES[what][1](self.cast) if of_advice is None else of_advice(self.talk))
        return self._made[what]

    def used(self, what: str) -> None:
        """Forget the record, so that the next act gets a new one in this state."""
        del self._made[what]

    async def booked(self) -> Json:
        """Return a booked appointment."""
        booked = self._booked
        if booked is None:
            referral, (slot, *_) = await self.rig.refer(), await self.rig.free()
            reply = await self.rig.book(referral, slot)
            assert reply.status_code == 201, reply.text
            booked = self._booked = dict[str, Any](reply.json())
        return booked

    def used_up(self, *, booked: bool) -> None:
        """Forget the booked appointment, or else the unbooked referral, so that the next call gets a new one."""
        if booked:
            self._booked = None
        else:
            self._unbooked = None


async def set_stage(rig: Rig) -> Stage:
    """Create the records of the stage at a service, with free slots."""
    await rig.add_slots(200)
    ubrn = await sent_for_triage(rig.run)
    url = rig.run.service.settings.database_url
    ((appointment,),) = await fetch(url, "SELECT appointment FROM referrals WHERE ubrn = ?", ubrn)
    return Stage(rig, ubrn, str(appointment), await _letter(rig), await gathered(rig), await talking(rig.run))


async def _letter(rig: Rig) -> str:
    """Create a letter that both referrer and provider can download; return its file id."""
    ubrn = await sent_for_triage(rig.run)
    file = await upload(rig.gp, ubrn=ubrn)
    assert (await rig.gp.post(**maintain(ubrn, 3, file))).status_code == 200
    await scan(rig.run, file)
    return file
