"""Refusals of test control: each class has an HTTP status and a text that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class Refusal(Exception):
    """A refused call to test control; nothing was changed."""

    status: ClassVar[int] = 400
    form: Mapping[str, str] = {}
    """The refused form of a page, which shows it again with the text."""

    def __init__(self, text: str) -> None:
        """Store `text`, which names the fault and the cure."""
        super().__init__(text)
        self.text = text


class BadCall(Refusal):
    """An invalid request."""


class Unknown(Refusal):
    """An unknown name."""

    status = 404


class Taken(Refusal):
    """A name that exists already, or a thing that is in use."""

    status = 409


class GoneIdle(Refusal):
    """A fork that was deleted because it was idle for too long."""

    status = 410


class FromElsewhere(Refusal):
    """A request that a page of another site sent through a user's browser."""

    status = 403


class WorldIsFrozen(Refusal):
    """A call that would last, to a service that keeps nothing."""

    status = 403


class NotJson(Refusal):
    """A body that is not declared as JSON."""

    status = 415


class CantBeMade(Refusal):
    """A valid request that cannot be carried out, such as a pack that is refused while it is loaded."""

    status = 422


class NoForks(BadCall):
    """Forks are not available, since the database is PostgreSQL."""

    def __init__(self) -> None:
        """Set the text."""
        super().__init__(
            "On PostgreSQL a process has one world: load, reset, snapshot and restore it, or use a sqlite:/// database "
            "to fork"
        )
