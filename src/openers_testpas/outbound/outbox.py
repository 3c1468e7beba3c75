"""The outbox of notifications to the service. Each is written in the same change as the act that it reports."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from openers_testpas.hospital.model import as_row
from openers_testpas.hospital.store import Change, Store


class State(StrEnum):
    """The state of a notification."""

    WAITING = "waiting"
    TAKEN = "taken"
    REFUSED = "refused"


class Notification(msgspec.Struct, frozen=True):
    """One notification: the Appointment at the time of the act, as JSON; `due` is microseconds of real time."""

    id: int
    appointment: str
    body: bytes
    state: State
    attempts: int
    due: int
    answer: str | None


def put(change: Change, appointment: str, body: bytes) -> None:
    """Put a notification into the outbox; it is due at once."""
    change.db.execute(
        "INSERT INTO notification (appointment, body, state, attempts, due) VALUES (?, ?, ?, 0, 0)",
        (appointment, body, State.WAITING),
    )


class Outbox:
    """The notifications, for their sender."""

    def __init__(self, store: Store) -> None:
        """Store `store`, which has the notifications."""
        self._store = store

    def due(self, now: int) -> list[Notification]:
        """Return the due notifications, oldest first; of each appointment only the oldest waiting one."""
        rows = self._store.db.execute(
            "SELECT * FROM notification WHERE due <= ? AND id IN "
            "(SELECT min(id) FROM notification WHERE state = 'waiting' GROUP BY appointment) ORDER BY id",
            (now,),
        )
        return [as_row(row, Notification) for row in rows]

    def next_due(self) -> int | None:
        """Return when the next one is due; `None` if none waits."""
        row = self._store.db.execute(
            "SELECT min(due) FROM notification WHERE id IN "
            "(SELECT min(id) FROM notification WHERE state = 'waiting' GROUP BY appointment)"
        ).fetchone()
        return None if row[0] is None else int(row[0])

    def settle(self, notification: Notification, state: State, answer: str) -> None:
        """Record that it was accepted or refused, with the reply."""
        self._mark(notification, state, answer, notification.due)

    def postpone(self, notification: Notification, answer: str, due: int) -> None:
        """Record that an attempt failed, and when to retry."""
        self._mark(notification, State.WAITING, answer, due)

    def latest(self, appointment: str) -> list[Notification]:
        """Return all notifications about an appointment, newest first."""
        rows = self._store.db.execute(
            "SELECT * FROM notification WHERE appointment = ? ORDER BY id DESC", (appointment,)
        )
        return [as_row(row, Notification) for row in rows]

    def _mark(self, notification: Notification, state: State, answer: str, due: int) -> None:
        with self._store.change(0) as change:
            change.db.execute(
                "UPDATE notification SET state = ?, attempts = attempts + 1, answer = ?, due = ? WHERE id = ?",
                (state, answer, due, notification.id),
            )
