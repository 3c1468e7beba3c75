"""Run the acts of a pack: each is a call through the edge by a caller who is really logged in.

The loader calls it. All rules of the service apply. A refusal stops the loading, unless the act expects it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from openers.api.edge import PREFIX
from openers.bootstrap import Service
from openers.domain.patient import Patient
from openers.worlds.packs import Pack, PackError
from openers.worlds.packs.acts import PATIENTS, Actor, Form, PackAct, filled, looked_up, read_form
from openers.worlds.running.advance import Way, advance
from openers.worlds.running.clock import WorldClock
from openers.worlds.running.in_process import Answer, ask
from openers.worlds.running.own_pas import OwnPas
from openers.worlds.running.sessions import begin_session_of

FAILURE: Final = 300
BOOKINGS: Final = "bookings"
"""Name under which acts find the bookings of the PAS so far, the latest last."""


class Stage:
    """Runs acts: a service around the world, and its clock."""

    def __init__(self, service: Service, clock: WorldClock, pas: OwnPas, way: Way) -> None:
        """Store the parts; the clock advances from act to act, and due work runs in between. `pas` is the world's."""
        self._service, self._clock, self._pas, self._way = service, clock, pas, way
        self._tokens: dict[Actor, str] = {}
        self._replies: dict[str, list[Any]] = {}

    async def play(self, pack: Pack) -> None:
        """Run all acts, the earliest first. Raises PackError."""
        began = self._clock.now() + timedelta(days=max((act.days_ago for act in pack.acts), default=0.0))
        for act in sorted(pack.acts, key=lambda act: -act.days_ago):
            at = began - timedelta(days=act.days_ago)
            if at > self._clock.now():  # acts of one day run at one instant, before other work
                await advance(self._service.world, self._clock, at, self._way)
            for turn in range(act.times):
                await self._act(act, turn, pack)

    async def _act(self, act: PackAct, turn: int, pack: Pack) -> None:
        try:
            form = read_form(act.form)
            reply = await self._ask(form, pack.actors[act.by], self._values(act, turn, pack))
        except (ValueError, KeyError, IndexError, TypeError, ArithmeticError) as fault:
            raise PackError(f"pack {pack.name}: act {act.name or act.form}: {fault}") from fault
        is_well = reply.status < FAILURE if act.expect is None else reply.status == act.expect
        if not is_well:
            told = reply.body.decode("utf-8", "replace")
            raise PackError(f"pack {pack.name}: act {act.name or act.form} returned {reply.status}: {told}")
        if act.name:
            told = json.loads(reply.body) if reply.body else reply.headers
            self._replies.setdefault(act.name, []).append(told)

    def _values(self, act: PackAct, turn: int, pack: Pack) -> Mapping[str, Any]:
        """Return the values for the placeholders of an act's form."""
        replies: dict[str, Any] = {name: each[turn % len(each)] for name, each in self._replies.items()}
        replies[BOOKINGS] = [msgspec.structs.asdict(each) for each in self._pas.bookings]
        by_turns = {name: _turn(each, turn, pack) for name, each in act.each.items()}
        given = {name: looked_up(value, replies) for name, value in {**act.values, **by_turns}.items()}
        return {**read_form(act.form).defaults, **given}

    async def _ask(self, form: Form, actor: Actor, values: Mapping[str, Any]) -> Answer:
        path = str(filled(form.path, values))
        prefix = PREFIX if path.startswith(("/STU3/", "/R4/")) else ""
        query = filled(form.query, values)
        headers = {**filled(form.headers, values), "Authorization": f"Bearer {await self._token(actor)}"}
        named = {
            "NHSD-End-User-Organisation-ODS": actor.organisation,
            "NHSD-eRS-Business-Function": actor.function,
            "NHSD-eRS-On-Behalf-Of-User-ID": actor.on_behalf_of,
        }
        headers |= {name: value for name, value in named.items() if value}
        body = filled(form.body, values)
        if body is not None:
            headers.setdefault("Content-Type", "application/fhir+json")
        address = f"{prefix}{path}?{urlencode(query)}" if query else f"{prefix}{path}"
        sent = body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
        return await ask(self._service, form.method, address, headers, sent)

    async def _token(self, actor: Actor) -> str:
        if actor not in self._tokens:
            begun = await begin_session_of(actor.user, actor.application, self._service.world)
            self._tokens[actor] = begun.access_token
        return self._tokens[actor]


def _can_be_referred(patient: Patient) -> bool:
    return not patient.sensitive and patient.died is None and patient.practice is not None


def _turn(each: str | list[Any], turn: int, pack: Pack) -> Any:
    """Return the value for this turn. Raises `ValueError`."""
    if isinstance(each, list):
        return each[turn % len(each)]
    if each != PATIENTS:
        raise ValueError(f"each is {each!r}: give a list, or {PATIENTS!r}")
    patients = [str(patient.nhs_number) for patient in pack.patients if _can_be_referred(patient)]
    return patients[turn % len(patients)]
