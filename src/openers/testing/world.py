"""The world of one test, with its clock: requests, log-ins and test control.

Modules that are slow to import are imported in the first call, since pytest loads this module in each run.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from openers.testing.service import WITHIN_S, TestedService

if TYPE_CHECKING:
    from openers_assurance import Row
    from openers_client.http import Answer

TENANT: Final = "X-OpenERS-Tenant"
ROLE: Final = ("NHSD-End-User-Organisation-ODS", "NHSD-eRS-Business-Function")
REFUSED: Final = 400
ADMINISTRATOR: Final = "demo-ops"
"""The application of the packs that administers."""
EXCHANGES: Final = "/admin/v1/exchanges"


class ControlRefused(AssertionError):
    """Test control refused a test's request. The text gives the reason."""


@dataclass(frozen=True)
class Role:
    """A user in a role at an organisation."""

    user: str
    organisation: str
    function: str


class WorldOfTest:
    """The world of one test: requests with its `headers` go only there."""

    def __init__(self, service: TestedService, name: str) -> None:
        """Fork the service's main world, which no test changes."""
        self.service, self.name = service, name
        self.base_url: Final = service.base_url
        self.fhir_url: Final = f"{service.base_url}/referrals/FHIR"
        self.clock: Final = ClockOfTest(self)
        self.control("POST", "/worlds", {"name": name})

    @property
    def tenant(self) -> dict[str, str]:
        """Return the header that names this world; send it with each request, log-ins too."""
        return {TENANT: self.name}

    def headers(self, who: Role | str) -> dict[str, str]:
        """Return the headers of a logged-in user: a role, or a business function for the pack's user in it."""
        role = who if isinstance(who, Role) else self.person(who)
        token = self.token(role.user)
        return {**self.tenant, "Authorization": f"Bearer {token}", ROLE[0]: role.organisation, ROLE[1]: role.function}

    def person(self, function: str) -> Role:
        """Return the pack's user for a business function. Raises LookupError."""
        from openers.worlds.packs import read_pack

        pack = read_pack(self.service.pack)
        named = {str(each): user for each, user in pack.open_to.items()}
        for user in pack.users:
            for role in user.roles:
                if user.id == named.get(function) and function in role.functions:
                    return Role(str(user.id), str(role.organisation), function)
        raise LookupError(f"pack {pack.name} has no user for {function}; its table open_to has {', '.join(named)}")

    def token(self, user: str | None = None, application: str = "demo-user-app") -> str:
        """Return an access token of a user, or of an application for itself."""
        wanted = {"application": application} | ({} if user is None else {"user": user})
        return str(self.control("POST", "/sessions", wanted)["access_token"])

    def call(
        self, method: str, path: str, body: Any = None, who: Role | str = "REFERRING_CLINICIAN", **headers: str
    ) -> Answer:
        """Call an operation in a role: `path` begins with /STU3 or /R4. Underscores in `headers` mean dashes."""
        from openers_client.http import send

        more = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {**self.headers(who), "Content-Type": "application/fhir+json", **more}
        return send(method, f"{self.fhir_url}{path}", None if body is None else json.dumps(body), sent)

    def events(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the events in this world, in order."""
        events: list[dict[str, Any]] = self.control("GET", f"/events?since={since}")["events"]
        return events

    def assess(self, *operations: str) -> Sequence[Row]:
        """Return how the calls in this world fulfil the requirements of the interface.

        `operations` are those that the product uses; without them, those that it has called.
        """
        from openers_assurance import Assessment, in_order, read_ndjson
        from openers_client.http import get

        assessment, cursor = Assessment(operations=operations), "0"
        headers = {**self.tenant, "Authorization": f"Bearer {self.token(application=ADMINISTRATOR)}"}
        lines: list[str] = []
        while (page := get(f"{self.base_url}{EXCHANGES}?cursor={cursor}", headers)).text:
            if page.status >= REFUSED:
                raise ControlRefused(page.text)
            lines += page.text.split("\n")
            cursor = str(page.headers.get("X-OpenERS-Cursor", ""))
        for exchange in in_order(read_ndjson(lines)):
            assessment.add(exchange)
        return assessment.rows(final=True)

    def assert_assured(self, *operations: str, accepted: Collection[str] = ()) -> None:
        """Raise AssertionError if the calls in this world break a requirement that is not among `accepted`."""
        broken = [row for row in self.assess(*operations) if row.state == "not met" and row.id not in accepted]
        told = [f"{row.id} {row.demand}\n" + "\n".join(f"  {e.call}: {e.why}" for e in row.breaches) for row in broken]
        assert not broken, "requirements are not met:\n" + "\n".join(told)  # noqa: S101 - called by tests

    def load(self, pack: str, seed: int = 0) -> None:
        """Replace all data with a pack: a name, or a path in the project's folder, whose current file is uploaded.

        Raises ControlRefused, OSError.
        """
        from openers.worlds.packs import to_send

        self.control("POST", f"/worlds/{self.name}/load", {**to_send(pack, self.service.folder), "seed": seed})

    def snapshot(self, name: str) -> None:
        """Save this world as a snapshot."""
        self.control("POST", f"/worlds/{self.name}/snapshot", {"name": f"{self.name}-{name}"})

    def restore(self, name: str) -> None:
        """Restore this world from one of its snapshots."""
        self.control("POST", f"/worlds/{self.name}/restore", {"name": f"{self.name}-{name}"})

    def reset(self) -> None:
        """Reset this world to its initial state."""
        self.control("POST", f"/worlds/{self.name}/reset")

    def drop(self) -> None:
        """Delete this world."""
        self.control("DELETE", f"/worlds/{self.name}")

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call test control below `/_test`. Raises ControlRefused."""
        from openers_client.http import send

        own = {} if path == "/worlds" or path.startswith("/worlds/") else self.tenant
        sent = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json", **own}
        answer = send(method, f"{self.base_url}/_test{path}", sent, headers, WITHIN_S)
        if answer.status >= REFUSED:
            raise ControlRefused(answer.text)
        return answer.json()


class ClockOfTest:
    """The clock of a test's world."""

    def __init__(self, world: WorldOfTest) -> None:
        """Store `world`, through which it calls test control."""
        self._world = world

    def now(self) -> datetime:
        """Return the time of the clock."""
        return _instant(self._world.control("GET", "/clock"))

    def set(self, now: datetime) -> datetime:
        """Set the clock without running due work."""
        return _instant(self._world.control("PUT", "/clock", {"now": now.isoformat()}))

    def freeze(self, at: datetime | None = None) -> datetime:
        """Stop the clock, now or at an instant."""
        wanted = {"running": False} | ({} if at is None else {"now": at.isoformat()})
        return _instant(self._world.control("PUT", "/clock", wanted))

    def run(self) -> datetime:
        """Start the clock."""
        return _instant(self._world.control("PUT", "/clock", {"running": True}))

    def advance(self, to: datetime | None = None, **stretch: float) -> list[dict[str, Any]]:
        """Advance to an instant, or by days, hours, minutes and seconds; return the work that ran, in order."""
        wanted = {**stretch, **({} if to is None else {"to": to.isoformat()})}
        ran: list[dict[str, Any]] = self._world.control("POST", "/clock/advance", wanted)["ran"]
        return ran


def _instant(told: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(told["now"]))
