"""A service and a PAS that let a slot be booked twice, to prove that the race detects it."""

from __future__ import annotations

import shutil
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from tests.kit.pas.small_pas import SmallPas
from tests.kit.run.faults import Edit, Fault
from tests.kit.run.project import ROOT

NO_HOLD = Fault(
    id="no-hold",
    breaks="a slot is taken only when its booking is confirmed, and no index keeps it for one",
    tests=(),
    edits=(
        Edit(
            "src/openers/usecases/booking/book_appointment.py",
            "link is None or not link.active or not await tx.slots.move(slot.id, SlotState.FREE, SlotState.HELD)",
            "link is None",
        ),
        Edit(
            "src/openers/usecases/booking/book_appointment.py",
            "tx.slots.move(claim.slot, SlotState.HELD, SlotState.BOOKED)",
            "tx.slots.move(claim.slot, SlotState.FREE, SlotState.BOOKED)",
        ),
        Edit("src/openers/store/records/claims.py", '"slot": int(claim.slot)', '"slot": None'),
        Edit(
            "src/openers/store/records/request_tables.py",
            "None if appointment is None or appointment.slot is None else int(appointment.slot)",
            "None",
        ),
    ),
)


def broken_source(into: Path) -> Path:
    """Copy the source with the planted fault, for PYTHONPATH. Raises `Misfit`."""
    shutil.copytree(ROOT / "src", into / "src")  # with compiled files, for a faster start
    for file, text in NO_HOLD.planted(into).items():
        (into / file).write_text(text, "utf-8")
    return into / "src"


class CarelessPas(SmallPas):
    """A PAS that accepts every booking."""

    async def book(self, request: Request) -> Response:
        """Book the slot as if it were free."""
        for slot in self.slots.values():
            slot["status"] = "free"
        return await super().book(request)
