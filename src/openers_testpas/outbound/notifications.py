"""Notify the service of the hospital's acts: send the outbox, and retry with doubling pauses."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import anyio

from openers_testpas.fhir import MEDIA_TYPE
from openers_testpas.hospital.clock import Wall, as_number
from openers_testpas.outbound.outbox import Notification, Outbox, State
from openers_testpas.outbound.service import Http, Tokens, Unreachable

RETRIED: Final = frozenset({401, 408, 425, 429})
"""Client errors to retry. A 401 also discards the token, so that the next attempt uses a new one."""
LONGEST_DOUBLING: Final = 30


class Pauses:
    """The pauses after failed attempts."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        """Store the limits: pauses double from `first_s`, up to `longest_s`."""
        self._first = first_s
        self._longest = longest_s

    def after(self, attempts: int) -> timedelta:
        """Return the pause after this many attempts, 1 or more."""
        return timedelta(seconds=min(self._longest, self._first * 2 ** min(attempts - 1, LONGEST_DOUBLING)))


class Notifier:
    """Sends notifications, those of one appointment in order."""

    def __init__(self, outbox: Outbox, http: Http, url: str, wall: Wall) -> None:
        """Store the dependencies; `url` is the service's address for notifications."""
        self._outbox = outbox
        self._http = http
        self._url = url
        self._wall = wall
        self._news = anyio.Event()

    def wake(self) -> None:
        """Signal a new notification in the outbox."""
        self._news.set()

    async def run(self, tokens: Tokens, pauses: Pauses) -> None:
        """Send due notifications, for ever."""
        while True:
            self._news = anyio.Event()
            for notification in self._outbox.due(as_number(self._wall())):
                await self._send(notification, tokens, pauses)
            with anyio.move_on_after(self._rest()):
                await self._news.wait()

    async def _send(self, notification: Notification, tokens: Tokens, pauses: Pauses) -> None:
        try:
            headers = {"Authorization": f"Bearer {await tokens.get()}", "Content-Type": MEDIA_TYPE}
            status, _ = await self._http.call("POST", self._url, data=notification.body, headers=headers)
        except Unreachable as error:
            self._postpone(notification, str(error), pauses)
            return
        if 200 <= status < 300:
            self._outbox.settle(notification, State.TAKEN, str(status))
        elif 400 <= status < 500 and status not in RETRIED:
            self._outbox.settle(notification, State.REFUSED, str(status))
        else:
            if status == 401:
                tokens.forget()
            self._postpone(notification, str(status), pauses)

    def _postpone(self, notification: Notification, answer: str, pauses: Pauses) -> None:
        due = self._wall() + pauses.after(notification.attempts + 1)
        self._outbox.postpone(notification, answer, as_number(due))

    def _rest(self) -> float | None:
        """Return the seconds until the next notification is due; `None` if none waits."""
        due = self._outbox.next_due()
        return None if due is None else max(0.0, (due - as_number(self._wall())) / 1_000_000)
