"""Reads the logs of a started service's processes."""

from __future__ import annotations

import json
from typing import Any

from tests.kit.service.live import Live


def settings_in_force(run: Live) -> dict[int, dict[str, str]]:
    """Return the settings that each process reports, by process id; only those that differ from the defaults."""
    return {line["pid"]: line["values"] for line in lines(run, "settings in force")}


def lines(run: Live, event: str) -> list[dict[str, Any]]:
    """Return the log lines of an event, from a service that logs JSON."""
    read = [json.loads(line) for line in run.log().splitlines() if line.startswith("{")]
    return [line for line in read if line["event"] == event]


def wait_for_workers(run: Live, count: int) -> None:
    """Return when `count` processes serve; fail if the service ends before."""
    while len(lines(run, "settings in force")) < count:
        assert run.is_running, run.log()
        run.wait_until_it_answers()
