"""What the control plane refuses: each a class with its HTTP status, and a sentence that says what to do."""

from __future__ import annotations

from typing import ClassVar


class Refusal(Exception):
    """A call to the control plane can't be done; nothing was changed."""

    status: ClassVar[int] = 400

    def __init__(self, text: str) -> None:
        """`text` names what is wrong and what to do."""
        super().__init__(text)
        self.text = text


class BadCall(Refusal):
    """What was sent can't be read or makes no sense."""


class Unknown(Refusal):
    """There is nothing of that name."""

    status = 404


class Taken(Refusal):
    """There is something of that name already, or it is needed."""

    status = 409


class GoneIdle(Refusal):
    """A fork that nobody used for long was dropped."""

    status = 410


class FromElsewhere(Refusal):
    """A page of another site sent it through somebody's browser."""

    status = 403


class NotJson(Refusal):
    """A body that is not declared as JSON."""

    status = 415


class CantBeMade(Refusal):
    """What was asked for is understood, and can't be made so: a pack that is refused on the way."""

    status = 422


class NoForks(BadCall):
    """The database is PostgreSQL."""

    def __init__(self) -> None:
        """Says so."""
        super().__init__(
            "On PostgreSQL a process has one world: load, reset, snapshot and restore it, or use a sqlite:/// database "
            "to fork"
        )
