"""The search of people for pages of test mode, on both databases."""

from __future__ import annotations

import pytest

from openers.domain.directory import Organisation, OrganisationKind, Role, User
from openers.domain.identifiers import OdsCode, Postcode, UserId
from openers.domain.principal import BusinessFunction
from openers.usecases.ports.transaction import Store
from tests.kit.referrals.rig import test_entry

pytestmark = pytest.mark.anyio


def person(number: int, name: str, ods: str, *, active: bool = True) -> User:
    """Return a person with a role."""
    role = Role(OdsCode(ods), (BusinessFunction.REFERRING_CLINICIAN,))
    return User(UserId(f"{number:012d}"), name, (role,), active=active)


async def test_people_are_found_by_number_name_and_organisation(store: Store) -> None:
    async with store.begin(test_entry()) as tx:
        for ods, name in (("A81", "Moor Surgery"), ("B82", "Dale 100% House_1")):
            kind = OrganisationKind.GP_PRACTICE
            await tx.directory.put_organisation(Organisation(OdsCode(ods), name, kind, Postcode("LS1 4AP")))
        for each in (
            person(1, "Dr Ada Moor", "B82"),
            person(2, "Dr Ben House", "A81"),
            person(3, "Dr Cat \\ Gone", "A81", active=False),
            person(4, "Dr Dan O'Hill", "B82"),
        ):
            await tx.directory.put_user(each)
    rows = {
        "": [1, 2, 4],
        "DR": [1, 2, 4],
        " moor ": [1, 2],
        "a81": [2],
        "house": [1, 2, 4],
        "100%": [1, 4],
        "e_1": [1, 4],
        "000000000004": [4],
        "o'hill": [4],
        "gone": [],
        "\\": [],
        "active": [],
    }
    async with store.read() as tx:
        found = {text: [int(each.id) for each in await tx.directory.find_users(text, 10)] for text in rows}
        assert [int(each.id) for each in await tx.directory.find_users("", 2)] == [1, 2]
    assert found == rows
