"""A rule-based machine for whole referrals: roles, acts, the PAS, administrators and the clock, in any order.

It checks these invariants after each step. At most one booking is active, here and in the PAS. The events replay to the
present state. Versions only rise. A refusal changes nothing. Callers without access see nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, timedelta
from typing import Any, Final, TypeVar, cast

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from openers.domain.booking import PasAppointment
from openers.domain.callers import SYSTEM, Pas
from openers.domain.errors import Clash, Refused
from openers.domain.identifiers import ServiceId, Ubrn
from openers.domain.lifecycle import TABLE, Act, ReferralState, row_of
from openers.domain.referral import Referral
from openers.usecases.booking.book_by_telephone import BookByTelephone, book_by_telephone
from openers.usecases.booking.take_notification import Notification, take_notification
from openers.usecases.referring.record_assessment import record_assessment
from tests.kit.referrals.cast import Cast
from tests.kit.referrals.rig import SERVICE, Json, Rig
from tests.kit.referrals.words import (
    ACCEPTED,
    ADVICE,
    ASSESSING,
    BY_TELEPHONE,
    LATER,
    LETTER,
    NO_LETTER,
    TRIAGE,
    VALID,
    cancelling,
    document,
    flag,
    rejecting,
    uploaded,
)
from tests.kit.service.arrangements import Moved

BODIES: Final[dict[str, tuple[tuple[Json, ...], ...]]] = {
    "A013": ((),),
    "A014": ((rejecting(),), (rejecting(), flag(told=True)), (rejecting("PATIENT_ILL"),)),
    "A022": (LATER, (*LATER, flag(told=False))),
    "A028": (ADVICE, ACCEPTED),
    "A031": (VALID["A031"],),
    "A032": (VALID["A032"],),
    "A036": ((cancelling(),), (cancelling("TRIAGE_ENDED"),), (cancelling("BOOKED_OUTSIDE_CAB"),)),
}
CALLERS: Final = (
    "gp",
    "gp_admin",
    "consultant",
    "consultant_admin",
    "consultant_elsewhere",
    "application",
    "gp_elsewhere",
)
ACTS: Final = frozenset(Act)
STEPS_ON: Final = {
    Act.BOOK: "book",
    Act.DEFER: "defer",
    Act.SEND_FOR_TRIAGE: "triage",
    Act.MAINTAIN_LETTER: "letter",
    Act.CANCEL_APPOINTMENT: "cancel",
}
OF_PROVIDERS: Final = {
    Act.ACCEPT: ("A013", ()),
    Act.REJECT: ("A014", VALID["A014"]),
    Act.ACT_LATER: ("A022", LATER),
    Act.ACCEPT_BOOK_LATER: ("A028", ACCEPTED),
    Act.RETURN_WITH_ADVICE: ("A028", ADVICE),
}
GOING_ON: Final = frozenset(Act) - {
    *(Act.CREATE, Act.CANCEL_REFERRAL, Act.CHANGE_SHORTLIST_FOR_TRIAGE, Act.MOVE, Act.ASSESS, Act.BOOK_BY_TELEPHONE),
}
"""The acts that `go_on` chooses; other rules cover the rest."""
NOTIFIED: Final = {Act.PROVIDER_CANCELS: "cancelled", Act.MISS: "noshow", Act.ARRIVE: "arrived"}
ODD: Final = (*[""] * 7, "stale", "500", "drop")
"""Faults to combine with an act; most draws have none."""
T = TypeVar("T")


class Scene:
    """One service for all runs, with an adjustable clock and a PAS."""

    def __init__(self, loop: asyncio.AbstractEventLoop, rig: Rig, clock: Moved, cast: Cast) -> None:
        """Use `loop` for all calls."""
        self.loop, self.rig, self.clock, self.cast = loop, rig, clock, cast
        self.met: set[ReferralState] = set()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of `work`."""
        return self.loop.run_until_complete(work)


class WholeReferrals(RuleBasedStateMachine):
    """A few referrals, and everything that can happen to them."""

    def __init__(self, scene: Scene) -> None:
        """Use the service of `scene`."""
        super().__init__()
        self.scene, self.cast = scene, scene.cast
        self.ubrns: list[str] = []
        self.touched = ""
        self.versions: dict[str, int] = {}
        self.begins: dict[str, int] = {}
        scene.clock.by = timedelta()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.scene.run(work)

    async def _kept(self, ubrn: str) -> tuple[int, Referral]:
        async with self.cast.rig.world.read() as tx:
            stored = await tx.referrals.find(Ubrn(ubrn), SYSTEM)
        assert stored is not None
        return stored.version, stored.value

    def _chosen(self, data: st.DataObject) -> str:
        self.touched = data.draw(st.sampled_from(self.ubrns))
        return self.touched

    async def _tried(self, ubrn: str, call: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
        """Return the reply, and assert that a refusal changed nothing.

        After a 504, due work must settle the outcome.
        """
        before = await self._kept(ubrn)
        reply = await call
        self.cast.rig.pas.fault = ""
        assert reply.is_success or reply.status_code in (403, 404, 409, 422, 502, 504), reply.text
        if reply.status_code == 504:
            assert not await self.cast.rig.sweep(timedelta(minutes=5))
        elif not reply.is_success:
            assert await self._kept(ubrn) == before
        return reply

    @initialize()
    def begin(self) -> None:
        """Create a referral of each kind."""
        for services, intention in (
            ((SERVICE, TRIAGE), NO_LETTER),
            ((SERVICE,), NO_LETTER),
            ((TRIAGE, SERVICE), LETTER),
            ((BY_TELEPHONE,), NO_LETTER),
            ((ASSESSING,), LETTER),
        ):
            self.ubrns.append(self._run(self.cast.refer(*services, intention=intention))["id"])

    @rule(
        data=st.data(),
        number=st.sampled_from([*sorted(BODIES.keys() - {"A036"}) * 3, "A036"]),
        caller=st.sampled_from(CALLERS),
        odd=st.sampled_from(ODD),
    )
    def act(self, data: st.DataObject, number: str, caller: str, odd: str) -> None:
        """Call an operation as any caller, sometimes with an old version or a faulty PAS."""
        ubrn, parameters = self._chosen(data), data.draw(st.sampled_from(BODIES[number]))
        version, _ = self._run(self._kept(ubrn))
        stale, self.cast.rig.pas.fault = odd == "stale", odd.removeprefix("stale")
        referral: Json = {"id": ubrn, "meta": {"versionId": str(version - stale)}}
        client = cast("httpx.AsyncClient", getattr(self.cast, caller))
        reply = self._run(self._tried(ubrn, self.cast.do(number, referral, *parameters, by=client)))
        assert not (reply.is_success and (stale or caller == "gp_elsewhere"))

    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        """Do an act that the lifecycle allows, as a permitted caller, but do not end the referral."""
        ubrn = self._chosen(data)
        version, referral = self._run(self._kept(ubrn))
        allowed = sorted(act for state, act in TABLE if state is referral.state and act in GOING_ON)
        if not allowed:
            return
        act = data.draw(st.sampled_from(allowed))
        if act in STEPS_ON:
            self._run(self._referred(ubrn, STEPS_ON[act], ""))
        elif act in OF_PROVIDERS:
            number, parameters = OF_PROVIDERS[act]
            by_telephone = act in (Act.REJECT, Act.ACT_LATER) and not (
                referral.appointment and referral.appointment.pas_id
            )
            told = (*parameters, flag(told=True)) if by_telephone else parameters
            at_rcd = (referral.workgroup or "").startswith("RCD/")
            client = self.cast.consultant if at_rcd else self.cast.consultant_elsewhere
            shown: Json = {"id": ubrn, "meta": {"versionId": str(version)}}
            self._run(self._tried(ubrn, self.cast.do(number, shown, *told, by=client)))
        elif act is Act.CHANGE_SHORTLIST:
            shown = {"id": ubrn, "meta": {"versionId": str(version)}}
            self._run(self._tried(ubrn, self.cast.do("A031", shown, by=self.cast.gp)))
        elif act in NOTIFIED:
            self._notify(ubrn, referral, NOTIFIED[act])

    @rule(
        data=st.data(),
        how=st.sampled_from(["book", "defer", "triage", "letter", "cancel"]),
        fault=st.sampled_from(ODD).map(lambda odd: odd.removeprefix("stale")),
    )
    def refer_on(self, data: st.DataObject, how: str, fault: str) -> None:
        """Do another act of the referrer, sometimes with a faulty PAS."""
        self._run(self._referred(self._chosen(data), how, fault))

    async def _referred(self, ubrn: str, how: str, fault: str) -> None:
        rig = self.cast.rig
        referral = await rig.read({"id": ubrn})
        if how == "book":
            slot = (await rig.free())[0]
            rig.pas.fault = fault
            await self._tried(ubrn, rig.book(referral, slot))
        elif how == "defer":
            await self._tried(ubrn, rig.defer(referral, "BOOKING_ATTEMPT_PROBLEM"))
        elif how == "triage":
            await self._tried(ubrn, rig.defer(referral, "TRIAGE", TRIAGE))
        elif how == "letter":
            file = await uploaded(self.cast.gp, ubrn, "letter.txt")
            words = document("referralLetterFile", file, "REFERRER")
            await self._tried(ubrn, self.cast.do("A012", referral, words, by=self.cast.gp))
        else:
            _, kept = await self._kept(ubrn)
            if kept.appointment is not None:
                shown = (await self.cast.gp.get(f"/STU3/Appointment/{kept.appointment.id}")).json()
                rig.pas.fault = fault
                await self._tried(ubrn, rig.cancel(shown, "PATIENT_ILL"))

    @rule(data=st.data(), status=st.sampled_from(["cancelled", "noshow", "arrived"]))
    def told_by_pas(self, data: st.DataObject, status: str) -> None:
        """Send a notification from the PAS, whether or not it fits the state."""
        ubrn = self._chosen(data)
        self._notify(ubrn, self._run(self._kept(ubrn))[1], status)

    def _notify(self, ubrn: str, referral: Referral, status: str) -> None:
        held, pas = referral.appointment, self.cast.rig.pas
        if held is None or held.pas_id is None:
            return
        there = PasAppointment(held.pas_id, held.booking_key or "", status)
        told = Notification(by=Pas("demo-pas"), ubrn=Ubrn(ubrn), appointment=there)
        if held.stands and status != "arrived":
            pas.appointments[there.id]["status"] = status
        self._by_itself(ubrn, take_notification(told, self._world))

    @rule(data=st.data(), service=st.sampled_from([BY_TELEPHONE, ASSESSING, SERVICE]))
    def telephoned(self, data: st.DataObject, service: str) -> None:
        """Record a telephone booking, as an administrator."""
        start = (self.scene.clock.now() + timedelta(days=2)).astimezone(UTC)
        ubrn = self._chosen(data)
        command = BookByTelephone(ubrn=Ubrn(ubrn), service=ServiceId(service), start=start)
        self._by_itself(ubrn, book_by_telephone(command, self._world))

    @rule(data=st.data())
    def assessed(self, data: st.DataObject) -> None:
        """Record an assessment, as an administrator."""
        ubrn = self._chosen(data)
        self._by_itself(ubrn, record_assessment(Ubrn(ubrn), self._world))

    @property
    def _world(self) -> Any:
        return self.cast.rig.world

    def _by_itself(self, ubrn: str, work: Coroutine[Any, Any, object]) -> None:
        """Do the work; if it is refused, assert that it changed nothing."""
        before = self._run(self._kept(ubrn))
        try:
            self._run(work)
        except (Refused, Clash):
            assert self._run(self._kept(ubrn)) == before

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        """Advance the clock."""
        self.scene.clock.by += timedelta(hours=hours)

    @invariant()
    @precondition(lambda self: bool(self.touched))
    def everything_agrees(self) -> None:
        """Check the invariants of the module's docstring for the referral touched last."""
        self._run(self._agrees(self.touched))
        self.cast.rig.pas.fault = ""

    def teardown(self) -> None:
        """Check the invariants for all referrals."""
        for ubrn in self.ubrns:
            self._run(self._agrees(ubrn))

    async def _agrees(self, ubrn: str) -> None:
        version, referral = await self._kept(ubrn)
        self.scene.met.add(referral.state)
        assert version >= self.versions.get(ubrn, 0)
        self.versions[ubrn] = version
        async with self.cast.rig.world.read() as tx:
            assert await tx.claims.get(Ubrn(ubrn)) is None
        held = referral.appointment
        stands = held is not None and held.stands
        assert stands == (referral.state is ReferralState.BOOKED)
        live = [
            each
            for each in self.cast.rig.pas.appointments.values()
            if ubrn in str(each["identifier"]) and each["status"] == "booked"
        ]
        assert len(live) <= 1
        if stands and held is not None and held.is_in_pas:
            assert [each["id"] for each in live] == [held.pas_id]
        assert await self._replayed(ubrn) is referral.state
        group = referral.workgroup or ""
        strangers = [self.cast.gp_elsewhere]
        strangers += [] if group.startswith("RCD/") else [self.cast.consultant, self.cast.application]
        strangers += [] if group.startswith("R69/") else [self.cast.consultant_elsewhere]
        for stranger in strangers:
            assert (await stranger.get(f"/STU3/ReferralRequest/{ubrn}")).status_code == 422
            assert await self.cast.offered({"id": ubrn, "meta": {"versionId": str(version)}}, stranger) is None

    async def _replayed(self, ubrn: str) -> ReferralState | None:
        """Return the state to which the events lead."""
        state, number = None, self.begins.get(ubrn, 0)
        async with self.cast.rig.world.read() as tx:
            while events := await tx.events.since(number):
                for each in events:
                    if each.key == ubrn and each.act in ACTS:
                        self.begins.setdefault(ubrn, each.number - 1)
                        state = row_of(state, Act(each.act)).to
                number = events[-1].number
        return state
