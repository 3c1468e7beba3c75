"""The guarantees of every repository, on both databases. `test_acts.py` covers concurrent acts."""

from __future__ import annotations

import msgspec
import pytest

from openers.domain.callers import SYSTEM
from openers.domain.credentials import CredentialKind, Session
from openers.domain.directory import Assurance, ServiceStatus
from openers.domain.errors import NoRelationship, NotFound, VersionConflict
from openers.domain.identifiers import NhsNumber, OdsCode, ServiceId, Ubrn, UserId
from openers.domain.principal import BusinessFunction
from openers.store.opening import open_store
from openers.store.records.referrals import FIRST_VERSION
from openers.store.records.request_tables import REFERRALS
from openers.usecases.ports.access_codes import KeptCode
from openers.usecases.ports.transaction import Store
from openers.worlds.packs import read_pack
from tests.kit.store.outside import fetch
from tests.kit.store.records import KEY, MINUTE, NOON, OWNER, WORKGROUP, add_referral, caller, claim, entry, found
from tests.kit.store.records import referral as made

pytestmark = pytest.mark.anyio
DEMO = read_pack("demo")
PROVIDER = caller(BusinessFunction.SERVICE_PROVIDER_CLINICIAN, "RCD", WORKGROUP)
TOKEN = CredentialKind.ACCESS_TOKEN


def session(name: str = "one") -> Session:
    """Return a session to store as a credential."""
    return Session(id=name, user=UserId("555000000001"), assurance=Assurance(), began=NOON, ends=NOON + MINUTE)


async def history(url: str) -> list[tuple[str, int, bytes]]:
    """Return the stored earlier values of referrals."""
    return await fetch(
        url, "SELECT key, version, body FROM history WHERE kind = ? ORDER BY key, version", REFERRALS.kind
    )


async def test_a_referral_comes_back_as_it_was_stored(store: Store) -> None:
    """Value, key, version and patient are read as stored, with the same bytes each time."""
    new = made(1)
    stored = await add_referral(store, new)
    again = await found(store, new.ubrn)
    assert again is not None
    assert (again.value, again.body) == (new, stored.body)
    assert (again.key, again.version, again.patient) == (new.ubrn, FIRST_VERSION, new.patient)


async def test_get_checks_existence_relationship_and_version_in_this_order(store: Store) -> None:
    """Each check has its own error, and the first failed check decides."""
    await add_referral(store, made(1))
    async with store.read() as tx:
        with pytest.raises(NotFound):
            await tx.referrals.get(Ubrn.of(2), PROVIDER, version=9)
        with pytest.raises(NoRelationship):
            await tx.referrals.get(Ubrn.of(1), PROVIDER, version=9)
        with pytest.raises(VersionConflict) as stale:
            await tx.referrals.get(Ubrn.of(1), caller(), version=9)
        assert (stale.value.sent, stale.value.latest) == (9, FIRST_VERSION)
        assert (await tx.referrals.get(Ubrn.of(1), caller(), version=FIRST_VERSION)).value == made(1)


async def test_find_shows_no_referral_of_others(store: Store) -> None:
    """A referral that the caller may not see is not found."""
    await add_referral(store, made(1))
    async with store.read() as tx:
        assert await tx.referrals.find(Ubrn.of(1), PROVIDER) is None
        assert await tx.referrals.find(Ubrn.of(2), caller()) is None


async def test_the_service_itself_finds_each_referral(store: Store) -> None:
    await add_referral(store, made(1))
    async with store.read() as tx:
        found = await tx.referrals.find(Ubrn.of(1), SYSTEM)
        assert found is not None
        assert found.value == made(1)
        assert await tx.referrals.find(Ubrn.of(2), SYSTEM) is None


async def test_put_raises_the_version_and_moves_the_columns(store: Store) -> None:
    """A new workgroup gives its members access from that commit on."""
    old = await add_referral(store, made(1))
    async with store.begin(entry(), (old.key,)) as tx:
        new = await tx.referrals.put(old, msgspec.structs.replace(old.value, workgroup=WORKGROUP))
    assert new.version > old.version
    async with store.read() as tx:
        seen = await tx.referrals.get(Ubrn.of(1), PROVIDER, version=new.version)
    assert seen.value.workgroup == WORKGROUP


async def test_history_keeps_each_value_that_was_replaced(store: Store, empty_url: str) -> None:
    """Two changes leave the two earlier values, with their versions."""
    stored = await add_referral(store, made(1))
    earlier = [stored]
    for days in (1, 2):
        async with store.begin(entry(), (stored.key,)) as tx:
            stored = await tx.referrals.put(stored, made(1, reminder_days=days))
        earlier.append(stored)
    assert await history(empty_url) == [(each.key, each.version, each.body) for each in earlier[:-1]]


async def test_put_over_a_stale_value_is_refused_and_keeps_nothing(store: Store, empty_url: str) -> None:
    """The refusal of a stale change names the stored version."""
    old = await add_referral(store, made(1))
    async with store.begin(entry(), (old.key,)) as tx:
        new = await tx.referrals.put(old, made(1, reminder_days=1))
    with pytest.raises(VersionConflict) as stale:
        async with store.begin(entry(), (old.key,)) as tx:
            await tx.referrals.put(old, made(1, reminder_days=2))
    assert (stale.value.sent, stale.value.latest) == (old.version, new.version)
    assert await history(empty_url) == [(old.key, old.version, old.body)]
    async with store.read() as tx:
        assert (await tx.referrals.get(Ubrn.of(1), caller())).value.reminder_days == 1


async def test_amend_changes_the_value_alone(store: Store, empty_url: str) -> None:
    """An amendment keeps the version and adds no history, so an earlier reader may still change the referral."""
    old = await add_referral(store, made(1))
    async with store.begin(entry(), (old.key,)) as tx:
        amended = await tx.referrals.amend(old, made(1, reminder_days=3))
    assert amended.version == old.version
    assert await history(empty_url) == []
    async with store.begin(entry(), (old.key,)) as tx:
        seen = await tx.referrals.get(Ubrn.of(1), caller(), version=old.version)
        assert seen.value.reminder_days == 3
        await tx.referrals.put(seen, made(1, reminder_days=4))


async def test_amend_over_a_stale_value_is_refused(store: Store) -> None:
    old = await add_referral(store, made(1))
    async with store.begin(entry(), (old.key,)) as tx:
        await tx.referrals.put(old, made(1, reminder_days=1))
    with pytest.raises(VersionConflict):
        async with store.begin(entry(), (old.key,)) as tx:
            await tx.referrals.amend(old, made(1, reminder_days=2))


async def test_a_sealed_code_is_kept_replaced_and_forgotten(store: Store) -> None:
    """A referral has one code; deleting a missing code does no harm."""
    for kept in (KeptCode(b"one", 0), KeptCode(b"two", 3)):
        async with store.begin(entry()) as tx:
            await tx.access_codes.put(Ubrn.of(1), kept)
        async with store.read() as tx:
            assert await tx.access_codes.get(Ubrn.of(1)) == kept
            assert await tx.access_codes.get(Ubrn.of(2)) is None
    for _ in range(2):
        async with store.begin(entry()) as tx:
            await tx.access_codes.drop(Ubrn.of(1))
    async with store.read() as tx:
        assert await tx.access_codes.get(Ubrn.of(1)) is None


async def test_numbers_rise_and_are_never_given_again(store: Store, empty_url: str) -> None:
    """Numbers are not reused after a restart either."""
    async with store.begin(entry()) as tx:
        ubrns = [await tx.referrals.next_ubrn() for _ in range(3)]
        appointments = [await tx.referrals.next_appointment_id() for _ in range(3)]
    await store.close()
    again = await open_store(empty_url, KEY)
    async with again.begin(entry()) as tx:
        ubrns.append(await tx.referrals.next_ubrn())
        appointments.append(await tx.referrals.next_appointment_id())
    await again.close()
    assert ubrns == sorted(set(ubrns))
    assert [int(each) for each in appointments] == sorted({int(each) for each in appointments})


async def test_the_directory_gives_back_what_was_put(store: Store) -> None:
    """Organisations, users, services and applications of the demo world are read as stored."""
    async with store.begin(entry()) as tx:
        for organisation in DEMO.organisations:
            await tx.directory.put_organisation(organisation)
        for site in DEMO.sites:
            await tx.directory.put_site(site)
        for user in DEMO.users:
            await tx.directory.put_user(user)
        for service in DEMO.services:
            await tx.directory.put_service(service)
        for application in DEMO.applications:
            await tx.directory.put_application(application)
    async with store.read() as tx:
        assert [await tx.directory.organisation(each.ods) for each in DEMO.organisations] == [*DEMO.organisations]
        assert list(await tx.directory.users()) == sorted(DEMO.users, key=lambda each: each.id)
        assert [await tx.directory.user(each.id) for each in DEMO.users] == [*DEMO.users]
        assert [await tx.directory.application(each.client_id) for each in DEMO.applications] == [*DEMO.applications]
        published = [each for each in DEMO.services if each.status is ServiceStatus.PUBLISHED]
        assert list(await tx.directory.published(0, 1000)) == sorted(published, key=lambda each: int(each.id))
        assert await tx.directory.version() == len(DEMO.services)


async def test_services_come_in_the_order_asked_for(store: Store) -> None:
    """Unknown services are left out, and a service requested twice is returned twice."""
    first, second = DEMO.services[:2]
    async with store.begin(entry()) as tx:
        await tx.directory.put_service(first)
        await tx.directory.put_service(second)
    unknown = ServiceId("999999999999")
    async with store.read() as tx:
        several = await tx.directory.services([second.id, unknown, first.id, second.id])
        assert [each.value for each in several] == [second, first, second]
        assert list(await tx.directory.services([])) == []
        assert await tx.directory.service(unknown) is None


async def test_a_changed_service_raises_its_version_and_the_directory_s(store: Store) -> None:
    """A change raises both versions; the directory's version shows that an index is out of date."""
    service = DEMO.services[0]
    versions: list[tuple[int, int]] = []
    for name in ("one", "two"):
        async with store.begin(entry()) as tx:
            await tx.directory.put_service(msgspec.structs.replace(service, name=name))
        async with store.read() as tx:
            stored = await tx.directory.service(service.id)
            assert stored is not None
            versions.append((stored.version, await tx.directory.version()))
    assert versions[0][0] < versions[1][0]
    assert versions[0][1] < versions[1][1]


async def test_people_are_found_where_they_have_roles_now(store: Store) -> None:
    """Storing a user again replaces the user's roles."""
    user = next(each for each in DEMO.users if each.roles)
    organisation = user.roles[0].organisation
    async with store.begin(entry()) as tx:
        await tx.directory.put_user(user)
        assert list(await tx.directory.users_at(organisation)) == [user]
        await tx.directory.put_user(msgspec.structs.replace(user, roles=()))
    async with store.read() as tx:
        assert list(await tx.directory.users_at(organisation)) == []
        assert await tx.directory.organisation(OdsCode("X99")) is None


async def test_patients_are_put_and_replaced(store: Store) -> None:
    """A patient is stored and replaced by NHS number."""
    patient = DEMO.patients[0]
    async with store.begin(entry()) as tx:
        await tx.patients.put(patient)
        await tx.patients.put(msgspec.structs.replace(patient, sensitive=True))
    async with store.read() as tx:
        assert await tx.patients.get(patient.nhs_number) == msgspec.structs.replace(patient, sensitive=True)
        assert await tx.patients.get(NhsNumber("0000000000")) is None


async def test_a_credential_is_added_once_and_taken_once(store: Store) -> None:
    """A second `add` stores nothing and a second `take` returns nothing; other kinds are separate."""
    async with store.begin(entry()) as tx:
        assert await tx.credentials.add(TOKEN, "key", session(), NOON)
        assert not await tx.credentials.add(TOKEN, "key", session("two"), NOON)
        assert await tx.credentials.add(CredentialKind.ASSERTION_ID, "key", None, NOON)
    async with store.begin(entry()) as tx:
        assert await tx.credentials.get(TOKEN, "key", Session) == session()
        assert await tx.credentials.get(CredentialKind.REFRESH_TOKEN, "key", Session) is None
        assert await tx.credentials.take(TOKEN, "key", Session) == session()
        assert await tx.credentials.take(TOKEN, "key", Session) is None
        assert await tx.credentials.get(TOKEN, "key", Session) is None


async def test_a_session_ends_with_all_that_belongs_to_it(store: Store) -> None:
    """Ending a session removes only its own credentials."""
    async with store.begin(entry()) as tx:
        for key, belongs_to in (("a", "one"), ("b", "one"), ("c", "two"), ("d", "")):
            await tx.credentials.add(TOKEN, key, session(), NOON, belongs_to)
        await tx.credentials.end_session("one")
    async with store.read() as tx:
        left = [key for key in "abcd" if await tx.credentials.get(TOKEN, key, Session)]
    assert left == ["c", "d"]


async def test_purging_removes_only_what_has_expired(store: Store) -> None:
    """A credential that expires at that very instant stays."""
    async with store.begin(entry()) as tx:
        for key, expires in (("old", NOON - MINUTE), ("now", NOON), ("new", NOON + MINUTE)):
            await tx.credentials.add(TOKEN, key, session(), expires)
        assert await tx.credentials.purge(NOON) == 1
        assert await tx.credentials.purge(NOON) == 0
    async with store.read() as tx:
        left = [key for key in ("old", "now", "new") if await tx.credentials.get(TOKEN, key, Session)]
    assert left == ["now", "new"]


async def test_due_work_is_claimed_earliest_first_and_not_before_its_time(store: Store) -> None:
    """At most the requested number of items is claimed, and a claimed item is not offered again."""
    async with store.begin(entry()) as tx:
        for key, minutes in (("late", -1), ("later", 0), ("future", 1), ("latest", 0)):
            await tx.due.add("remind", key, NOON + minutes * MINUTE)
    assert [(each.key, each.attempt) for each in await claim(store, NOON, most=2)] == [("late", 1), ("later", 1)]
    assert [each.key for each in await claim(store, NOON)] == ["latest"]
    async with store.read() as tx:
        assert await tx.due.waiting(NOON) == []
        assert await tx.due.waiting(NOON + 2 * MINUTE) == ["remind"]
        assert await tx.due.planned("remind", "future")
        assert not await tx.due.planned("remind", "nothing")


async def test_due_work_is_claimed_by_kind(store: Store) -> None:
    """Each waiting kind is listed once, and claiming one kind leaves the others."""
    async with store.begin(entry()) as tx:
        for kind, key in (("scan", "one"), ("scan", "two"), ("remind", "one")):
            await tx.due.add(kind, key, NOON)
    async with store.read() as tx:
        assert await tx.due.waiting(NOON) == ["remind", "scan"]
    assert [(each.kind, each.key) for each in await claim(store, NOON)] == [("remind", "one")]
    async with store.read() as tx:
        assert await tx.due.waiting(NOON) == ["scan"]


async def test_due_work_is_done_or_given_back(store: Store) -> None:
    """Completed items are removed; retried items run at their new time with the next attempt number."""
    async with store.begin(entry()) as tx:
        await tx.due.add("remind", "done", NOON)
        await tx.due.add("remind", "retried", NOON)
    done, retried = await claim(store, NOON)
    async with store.begin(entry()) as tx:
        await tx.due.done(done)
        await tx.due.retry(retried, NOON + MINUTE)
    assert await claim(store, NOON) == []
    assert [(each.key, each.attempt) for each in await claim(store, NOON + MINUTE)] == [("retried", 2)]
    async with store.read() as tx:
        assert not await tx.due.planned("remind", "done")


async def test_a_claim_runs_out_and_then_belongs_to_the_next(store: Store) -> None:
    """A runner whose claim has expired neither completes nor retries an item that another one has claimed."""
    async with store.begin(entry()) as tx:
        await tx.due.add("remind", "slow", NOON)
    (slow,) = await claim(store, NOON, life=MINUTE)
    (next_one,) = await claim(store, NOON + MINUTE, life=10 * MINUTE)
    assert next_one.attempt == 2
    async with store.begin(entry()) as tx:
        await tx.due.retry(slow, NOON)
        await tx.due.done(slow)
    assert await claim(store, NOON + 2 * MINUTE) == []
    async with store.begin(entry()) as tx:
        assert await tx.due.planned("remind", "slow")
        await tx.due.done(next_one)
        assert not await tx.due.planned("remind", "slow")


async def test_work_added_again_while_it_runs_is_not_lost(store: Store) -> None:
    """Work added while it runs stays, even for the same instant; completing it removes only the earlier item."""
    async with store.begin(entry()) as tx:
        await tx.due.add("remind", "slots", NOON)
    (running,) = await claim(store, NOON)
    async with store.begin(entry()) as tx:
        await tx.due.add("remind", "slots", NOON)
        await tx.due.done(running)
    assert [(each.key, each.attempt) for each in await claim(store, NOON)] == [("slots", 1)]


async def test_reading_never_writes(store: Store) -> None:
    """A write outside an act is refused, because it would have no audit entry."""
    async with store.read() as tx:
        with pytest.raises(RuntimeError, match="only the body of an act may write"):
            await tx.referrals.add(made(1, OWNER))
    assert await found(store, Ubrn.of(1)) is None
