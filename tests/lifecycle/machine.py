"""A rule-based machine of whole referrals: every role, every act, the PAS, administrators and the clock, in any order.

After each step: at most one live booking, here and in the PAS; the events replay to the present state; versions only
rise; a refusal changes nothing; strangers see nothing.
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
"""What the machine does deliberately; the rest comes by the way."""
NOTIFIED: Final = {Act.PROVIDER_CANCELS: "cancelled", Act.MISS: "noshow", Act.ARRIVE: "arrived"}
ODD: Final = (*[""] * 7, "stale", "500", "drop")
"""What else is wrong with an act: mostly nothing."""
T = TypeVar("T")


class Scene:
    """One service for all runs, with a clock that can be moved and a PAS."""

    def __init__(self, loop: asyncio.AbstractEventLoop, rig: Rig, clock: Moved, cast: Cast) -> None:
        """Everything belongs to `loop`."""
        self.loop, self.rig, self.clock, self.cast = loop, rig, clock, cast
        self.met: set[ReferralState] = set()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of it."""
        return self.loop.run_until_complete(work)


class WholeReferrals(RuleBasedStateMachine):
    """A few referrals and everything that can happen to them."""

    def __init__(self, scene: Scene) -> None:
        """At the service of `scene`."""
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
        """The reply; a refusal has changed nothing, and what has no known outcome is found out."""
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
        """With a referral of each kind."""
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
        """An act by anybody, now and then in a version that is past, or with a PAS that ails."""
        ubrn, parameters = self._chosen(data), data.draw(st.sampled_from(BODIES[number]))
        version, _ = self._run(self._kept(ubrn))
        stale, self.cast.rig.pas.fault = odd == "stale", odd.removeprefix("stale")
        referral: Json = {"id": ubrn, "meta": {"versionId": str(version - stale)}}
        client = cast("httpx.AsyncClient", getattr(self.cast, caller))
        reply = self._run(self._tried(ubrn, self.cast.do(number, referral, *parameters, by=client)))
        assert not (reply.is_success and (stale or caller == "gp_elsewhere"))

    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        """Something that the lifecycle allows, by who may do it; but not the end."""
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
        """What a referrer does besides, now and then with a PAS that ails."""
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
        """A PAS tells something, wanted or not."""
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
        """An administrator records a booking."""
        start = (self.scene.clock.now() + timedelta(days=2)).astimezone(UTC)
        ubrn = self._chosen(data)
        command = BookByTelephone(ubrn=Ubrn(ubrn), service=ServiceId(service), start=start)
        self._by_itself(ubrn, book_by_telephone(command, self._world))

    @rule(data=st.data())
    def assessed(self, data: st.DataObject) -> None:
        """An administrator records an assessment."""
        ubrn = self._chosen(data)
        self._by_itself(ubrn, record_assessment(Ubrn(ubrn), self._world))

    @property
    def _world(self) -> Any:
        return self.cast.rig.world

    def _by_itself(self, ubrn: str, work: Coroutine[Any, Any, object]) -> None:
        """Do it, or be refused without a trace."""
        before = self._run(self._kept(ubrn))
        try:
            self._run(work)
        except (Refused, Clash):
            assert self._run(self._kept(ubrn)) == before

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        """The clock goes on."""
        self.scene.clock.by += timedelta(hours=hours)

    @invariant()
    @precondition(lambda self: bool(self.touched))
    def everything_agrees(self) -> None:
        """See the top of this module."""
        self._run(self._agrees(self.touched))
        self.cast.rig.pas.fault = ""

    def teardown(self) -> None:
        """What was not touched last agrees still."""
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
        """The state that the events lead to."""
        state, number = None, self.begins.get(ubrn, 0)
        async with self.cast.rig.world.read() as tx:
            while events := await tx.events.since(number):
                for each in events:
                    if each.key == ubrn and each.act in ACTS:
                        self.begins.setdefault(ubrn, each.number - 1)
                        state = row_of(state, Act(each.act)).to
                number = events[-1].number
        return state
