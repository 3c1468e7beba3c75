"""Whole referrals, driven by a machine (`machine.py`), for 500 or `OPENERS_SOAK_STEPS` steps."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.kit.referrals.cast import gathered
from tests.kit.referrals.rig import Rig, linked
from tests.kit.service.arrangements import Moved, at_time
from tests.kit.service.running import GP, copied, running, settings_for
from tests.lifecycle.machine import Scene, WholeReferrals

STEPS: Final = int(os.environ.get("OPENERS_SOAK_STEPS", "500"))
EACH: Final = 50
"""Steps of one run of the machine."""
STATES, ROUNDS = 9, 3
"""The least number of states that the machine reaches, and the most rounds: what it meets depends on ids of slots."""


@pytest.fixture
def scene(sqlite_template: Path, tmp_path: Path, keys: Path) -> Generator[Scene]:
    """Run a service in its own event loop."""
    loop = asyncio.new_event_loop()
    stack = AsyncExitStack()

    async def _open() -> Scene:
        run = await stack.enter_async_context(running(settings_for(copied(sqlite_template, tmp_path), keys)))
        rig = await stack.enter_async_context(linked(run))
        await rig.add_slots(1000)
        clock = Moved(run.service.world.clock)
        moved = Rig(at_time(run, clock=clock), rig.pas, rig.gp)
        moved.gp = await moved.run.as_person(GP)
        return Scene(loop, moved, clock, await gathered(moved))

    try:
        yield loop.run_until_complete(_open())
    finally:
        loop.run_until_complete(stack.aclose())
        loop.close()


def test_whatever_happens_to_referrals_everything_agrees(scene: Scene) -> None:
    """The invariants hold after every step, and the machine reaches at least nine states."""

    class AtThisService(WholeReferrals):
        def __init__(self) -> None:
            super().__init__(scene)

    for round_ in range(ROUNDS):
        run_state_machine_as_test(
            AtThisService,
            settings=settings(
                max_examples=max(1, STEPS // EACH),
                stateful_step_count=EACH,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
                phases=[Phase.generate],  # shrinking is useless, because runs share data
                derandomize=STEPS <= 500 and round_ == 0,
            ),
        )
        if len(scene.met) >= STATES:
            break
    assert len(scene.met) >= STATES, "the machine does not get about"
