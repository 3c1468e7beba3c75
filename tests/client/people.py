"""The callers of the tests: a general practitioner, a consultant and an administrator."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from openers.testing import WorldOfTest
from openers.worlds.packs import keys
from openers_client import Application, Criteria, ErsClient, NewReferral, RetryPolicy, Role, Session, Shortlist
from openers_client.caller import Caller

PATIENT: Final = "9912003888"
GP: Final = "555073103100"
CONSULTANT: Final = "555032006106"
ADMINISTRATOR: Final = "555031998104"
BOOKABLE: Final = "11006"
TRIAGE: Final = "11004"
ADVISING: Final = "11010"
HEART: Final = Criteria(specialty="CARDIOLOGY", clinic_type="HEART_FAILURE", postcode="LS1 4HT")


def application(client_id: str) -> Application:
    """Return an application of the demo world with its published key."""
    return Application(client_id, json.loads(files(keys).joinpath(f"{client_id}.json").read_text()))


USER_APP: Final = application("demo-user-app")


def new_referral(*services: str, letter: str = "NOT_INTENDING_TO_ADD") -> NewReferral:
    """Return a referral of the patient to create."""
    return NewReferral(patient=PATIENT, shortlist=Shortlist(services or (BOOKABLE,), HEART), letter=letter)


@dataclass(frozen=True)
class Cast:
    """A client and its callers."""

    client: ErsClient
    gp: Caller
    consultant: Caller
    administrator: Caller


@asynccontextmanager
async def cast_of(world: WorldOfTest, retry: RetryPolicy) -> AsyncGenerator[Cast]:
    """Log the cast in to a world."""
    async with ErsClient(world.base_url, headers=world.tenant, retry=retry) as client:

        def in_role(user: str, *role: str) -> Caller:
            return client.caller(Session.of_token(world.token(user)), Role(*role))

        yield Cast(
            client,
            gp=in_role(GP, "D82106", "REFERRING_CLINICIAN"),
            consultant=in_role(CONSULTANT, "RCD", "SERVICE_PROVIDER_CLINICIAN"),
            administrator=in_role(ADMINISTRATOR, "RCD", "SERVICE_PROVIDER_CLINICIAN_ADMIN", CONSULTANT),
        )
