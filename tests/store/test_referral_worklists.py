"""Lists in the store equal the rules applied one by one, use one index each, and stay cheap in a large store."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from itertools import product

import pytest

from openers.domain.identifiers import OdsCode, ServiceId, Ubrn, UserId
from openers.domain.principal import RC, SPC, BusinessFunction, Principal
from openers.domain.referral import Referral
from openers.domain.referral_worklists import (
    PROVIDER_LISTS,
    RANKS,
    Worklist,
    assigned_clinician,
    letter_list,
    provider_list,
    referrer_list,
    waiting_since,
)
from openers.domain.worklists import WorklistFilter
from openers.store.engine.sqlite_connection import sqlite_path
from openers.store.engine.statements import Statement, Value
from openers.store.opening import migrate, open_store
from openers.store.records.referral_worklists import ANY, FILTERS, OF_REFERRER, OF_SERVICE, OF_WORKGROUP
from openers.store.records.relationship import Kinship
from openers.usecases.ports.transaction import Store
from openers.usecases.ports.worklists import Listed
from tests.kit.store.crowd import CLINICIANS, SITES, SPECIALTIES, Place, crowd, settle, somewhere
from tests.kit.store.outside import execute, fetch
from tests.kit.store.records import KEY, caller
from tests.kit.store.stores import PostgresServer

pytestmark = pytest.mark.anyio

HERE = tuple(
    Place(OdsCode(owner), workgroup, ServiceId(service))
    for owner, workgroup, service in (
        ("D82106", "RCD/Cardiology", "11001"),
        ("B86011", "RCD/Cardiology", "11002"),
        ("D82106", "RCD/Skin", "11003"),
        ("D82106", "R69/Cardiology", "21001"),
    )
)
PEOPLE = (
    caller(SPC, "RCD", "RCD/Cardiology"),
    caller(SPC, "RCD", "RCD/Cardiology", "RCD/Skin", "R69/Cardiology"),
    caller(SPC, "RCD"),
    caller(BusinessFunction.PROVIDER_AUTHORISED_APPLICATION, "RCD"),
)
MOST = 10_000
LISTS = (provider_list, referrer_list, letter_list)


@dataclass
class FilledStore:
    """A store with referrals in known places among many others."""

    url: str
    store: Store
    referrals: list[Referral]
    _on: dict[Worklist, list[Referral]] = field(default_factory=dict[Worklist, list[Referral]])

    async def listed(self, worklist: Worklist, by: Principal, wanted: WorklistFilter) -> list[Ubrn]:
        """Return the UBRNs that the store lists."""
        async with self.store.read() as tx:
            if worklist in PROVIDER_LISTS:
                found: Sequence[Listed] = await tx.worklists.of_provider(worklist, by, wanted, MOST)
            else:
                found = await tx.worklists.of_referrer(worklist, by, MOST)
        return [each.key for each in found]

    def expected(self, worklist: Worklist, by: Principal, is_wanted: Callable[[Referral], bool]) -> list[Ubrn]:
        """Return the UBRNs that the rules list, applied to one referral after the other."""
        on_it = self.on(worklist)
        return [each.ubrn for each in on_it if by.may_see(each.owner, each.workgroup) and is_wanted(each)]

    def on(self, worklist: Worklist) -> list[Referral]:
        """Return all referrals of a list in order, regardless of the caller."""
        if worklist not in self._on:
            found = [each for each in self.referrals if worklist in [of(each) for of in LISTS]]
            found.sort(key=lambda each: (RANKS[each.priority], waiting_since(each), each.ubrn))
            self._on[worklist] = found
        return self._on[worklist]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of an empty database of each kind, for the whole module."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('lists') / 'openers.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create()


@pytest.fixture(scope="module")
async def kept(url: str) -> AsyncGenerator[FilledStore]:
    """Fill a store with referrals in the known places and elsewhere."""
    await migrate(url)
    store = await open_store(url, KEY)
    chance = random.Random(7)
    referrals = [somewhere(number, chance, HERE[number % len(HERE)]) for number in range(1, 1201)]
    referrals += list(crowd(2000, first=5001))
    await settle(store, referrals)
    await execute(url, "ANALYZE" if sqlite_path(url) is not None else "VACUUM ANALYZE")
    yield FilledStore(url, store, referrals)
    await store.close()


def wanted_by(worklist: Worklist, by: Principal) -> list[tuple[WorklistFilter, Callable[[Referral], bool]]]:
    """Return filters, each with its meaning as a predicate that does not use the store."""
    found: list[tuple[WorklistFilter, Callable[[Referral], bool]]] = [(WorklistFilter(), lambda _: True)]
    if worklist not in PROVIDER_LISTS:
        return found
    specialties, locations = (None, *SPECIALTIES[:2]), (None, "RCD", "R69", *SITES[:2])
    clinicians, services = ((None, False), (CLINICIANS[1], False), (None, True)), (None, "11001", "21001")
    found += [_filter(*each) for each in product(specialties, locations, clinicians, services)]
    return [each for each in found if not by.is_application or each[0].service is not None]


def _filter(
    specialty: str | None, location: str | None, clinician: tuple[UserId | None, bool], service: str | None
) -> tuple[WorklistFilter, Callable[[Referral], bool]]:
    def _is_wanted(referral: Referral) -> bool:
        held, (whom, without) = referral.appointment, clinician
        assert held is not None
        return (
            (specialty is None or held.specialty == specialty)
            and (location is None or held.site == location or (referral.workgroup or "").startswith(f"{location}/"))
            and (whom is None or assigned_clinician(referral) == whom)
            and (not without or assigned_clinician(referral) is None)
            and (service is None or held.service.id == service)
        )

    wanted = WorklistFilter(
        specialty=specialty,
        location=None if location is None else OdsCode(location),
        clinician=clinician[0],
        without_clinician=clinician[1],
        service=None if service is None else ServiceId(service),
    )
    return wanted, _is_wanted


@pytest.mark.parametrize("worklist", Worklist)
async def test_the_store_lists_what_the_rules_say_one_by_one(kept: FilledStore, worklist: Worklist) -> None:
    """Members and order are those of the rules, for every caller and every combination of filters."""
    callers = PEOPLE if worklist in PROVIDER_LISTS else (caller(RC, "D82106"), caller(RC, "B86011"), caller(RC, "Q99"))
    longest = 0
    for by in callers:
        for wanted, is_wanted in wanted_by(worklist, by):
            expected = kept.expected(worklist, by, is_wanted)
            assert await kept.listed(worklist, by, wanted) == expected, (by, wanted)
            longest = max(longest, len(expected))
    assert longest > 10


async def test_no_more_than_asked_for(kept: FilledStore) -> None:
    """A limited list has the first referrals of the whole list, over several workgroups."""
    by = PEOPLE[1]
    whole = await kept.listed(Worklist.REFERRALS_FOR_REVIEW, by, WorklistFilter())
    async with kept.store.read() as tx:
        first = await tx.worklists.of_provider(Worklist.REFERRALS_FOR_REVIEW, by, WorklistFilter(), 20)
    assert [each.key for each in first] == whole[:20]


WALKS: dict[str, tuple[Statement, str]] = {
    "provider": (OF_WORKGROUP[None], "ix_referrals_provider"),
    **{f"provider by {name}": (OF_WORKGROUP[name], f"ix_referrals_provider_{name}") for name in FILTERS},
    "provider by service, for people": (OF_SERVICE[Kinship.WORKGROUP], "ix_referrals_provider_service"),
    "provider by service, for an application": (OF_SERVICE[Kinship.PROVIDER], "ix_referrals_provider_service"),
    "referrer": (OF_REFERRER["referrer_list"], "ix_referrals_referrer"),
    "letters": (OF_REFERRER["letter_list"], "ix_referrals_letter"),
}
VALUES: dict[str, Value] = {
    "wanted_provider_list": "REFERRALS_FOR_REVIEW",
    "wanted_referrer_list": "AWAITING_BOOKING",
    "wanted_letter_list": "LETTERS_OUTSTANDING",
    "wanted_workgroup": "RCD/Cardiology",
    "wanted_owner": "D82106",
    "wanted_service": 11001,
    "wanted_specialty": "CARDIOLOGY",
    "wanted_site": "RCD01",
    "wanted_clinician": "555032006106",
    "seen_workgroups": '["RCD/Cardiology"]',
    "seen_workgroups_from": "RCD/",
    "seen_workgroups_before": "RCD0",
    "most": 20_480,
}


@pytest.mark.parametrize("name", WALKS)
async def test_a_list_walks_its_index(kept: FilledStore, name: str) -> None:
    """On both databases the index returns the rows in the list's order, without a scan or a sort."""
    statement, index = WALKS[name]
    others: dict[str, Value] = {f"wanted_{each}": ANY for each in FILTERS if not name.endswith(each)}
    known = {**VALUES, **others, **statement.constants}
    if sqlite_path(kept.url) is not None:
        values = [known[each] for each in statement.sqlite_names]
        steps = [row[3] for row in await fetch(kept.url, f"EXPLAIN QUERY PLAN {statement.sqlite}", *values)]
        walk, *more = [each for each in steps if "referrals" in each]
        assert index in walk.split()
        assert walk.startswith("SEARCH referrals USING")
        assert not more
        assert not [each for each in steps if "TEMP B-TREE" in each]
        return
    values = [known[each] for each in statement.postgres_names]
    plan = "\n".join(row[0] for row in await fetch(kept.url, f"EXPLAIN {statement.postgres}", *values))
    assert f"using {index} on referrals" in plan
    assert "Seq Scan on referrals" not in plan
    assert "Sort" not in plan
    assert "Bitmap" not in plan


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["provider", "referrer", "letters"])
async def test_a_whole_list_reads_the_index_alone(kept: FilledStore, name: str) -> None:
    """On SQLite, whose plan shows it, a list reads only its index and no referral."""
    statement, index = WALKS[name]
    values = [{**VALUES, **statement.constants}[each] for each in statement.sqlite_names]
    steps = [row[3] for row in await fetch(kept.url, f"EXPLAIN QUERY PLAN {statement.sqlite}", *values)]
    assert [each for each in steps if f"USING COVERING INDEX {index} " in each]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_what_is_on_no_list_is_in_no_index_of_lists(kept: FilledStore) -> None:
    """On SQLite, only referrals on a list are in its index, so lists stay short in a large store."""
    ((listed,),) = await fetch(kept.url, "SELECT count(*) FROM referrals WHERE provider_list IS NOT NULL")
    expected = sum(provider_list(each) is not None for each in kept.referrals)
    assert listed == expected
    assert 0 < expected < len(kept.referrals) / 3
