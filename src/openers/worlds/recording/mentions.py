"""Find the services of a call: those that it names, and those of the slots and requests that it names.

Called if a fault is limited to certain services. It reads each reference in address and body.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, cast

from openers.api.call import Call
from openers.domain.errors import OpenersError
from openers.domain.identifiers import AppointmentId, Identifier, ServiceId, SlotId, Ubrn
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases.ports.transaction import Tx

_SLOT: Final = "Slot/"
_APPOINTMENT: Final = "/STU3/Appointment/{id}"
MOST_TEXTS: Final = 500
MOST_PARTS: Final = 50
LONGEST_NAME: Final = 100
"""Maximum texts, parts of a text, and characters of a part that are read from a call."""
_SEPARATORS: Final = re.compile(r"[|,/]")


async def services_of(call: Call) -> frozenset[str]:
    """Return the ids of all services of the call that its caller may see."""
    texts = frozenset(islice(_texts(call), MOST_TEXTS))
    named = {part for text in texts for part in _SEPARATORS.split(text, MOST_PARTS) if len(part) <= LONGEST_NAME}
    services = {each for each in named if ServiceId.pattern.fullmatch(each)}
    async with call.world.read() as tx:
        for text in texts:
            if text.startswith(_SLOT):
                services |= await _of_slot(text.removeprefix(_SLOT), tx)
        if call.caller is not None:
            services |= await _of_requests(call, named, call.caller, tx)
    return frozenset(services)


async def _of_slot(name: str, tx: Tx) -> set[str]:
    slot = await tx.slots.get(SlotId(name)) if _is(SlotId, name) else None
    return set() if slot is None else {slot.service}


async def _of_requests(call: Call, named: set[str], caller: Principal, tx: Tx) -> set[str]:
    """Return the services of the requests named by UBRN, or by the appointment in the path."""
    services: set[str] = set()
    for name in named:
        found = await tx.referrals.find(Ubrn(name), caller) if _is(Ubrn, name) else None
        services |= set() if found is None else _held_by(found.value)
    name = call.path.get("id", "")
    if call.operation.path.startswith(_APPOINTMENT) and _is(AppointmentId, name):
        try:
            services |= _held_by((await tx.referrals.of_appointment(AppointmentId(name), caller)).value)
        except OpenersError:
            return services  # the operation itself reports the error
    return services


def _held_by(referral: Referral) -> set[str]:
    """Return the service of a referral's appointment; without an appointment, the services of its shortlist."""
    if referral.appointment is not None:
        return {referral.appointment.service.id}
    return {each.id for each in referral.shortlist.services}


def _is(kind: type[Identifier], text: str) -> bool:
    return kind.pattern.fullmatch(text) is not None


def _texts(call: Call) -> Iterator[str]:
    yield from call.path.values()
    yield from (value for _, value in call.query)
    yield from _strings(call.body)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in cast("dict[str, Any]", value).values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _strings(each)
