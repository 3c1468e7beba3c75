"""Smartcards: issued at once, by role, once each, and finished or refused after a stop at any step."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from typing import Any, Final, cast

import httpx
import pytest

from openers.testing import TestedService
from openers_portal.environment import Environment
from openers_portal.issuing import finish, finish_waiting
from openers_portal.rules.cards import MOST_OF_PARTNER, Card, CardState, new_uuid, read_workgroups, with_roles
from openers_portal.settings import EnvironmentSettings
from openers_portal.store.cards import TooManyCards
from openers_portal.store.portal_store import PortalStore
from tests.portal.conftest import GP, Enter, register

NOW: Final = datetime(2026, 11, 30, 9, tzinfo=UTC)
CONSULTANT: Final = "555031999105"
ASKED: Final[dict[str, str | list[str]]] = {
    "environment": "DEV1",
    "kind": "new",
    "organisation": "rcd",
    "roles": ["SERVICE_PROVIDER_CLINICIAN"],
}
EXISTING: Final = {**ASKED, "kind": "existing", "organisation": "D82106", "roles": ["REFERRING_ADMIN"]}


def _found(tested: TestedService, text: str) -> list[dict[str, Any]]:
    """Return the cards of the world that a text finds."""
    headers = {"accept": "application/json"}
    return httpx.get(f"{tested.base_url}/_test/cards", params={"find": text}, headers=headers).json()["cards"]


def test_new_cards_are_issued_at_once_and_only_once(enter: Enter, tested: TestedService) -> None:
    person = enter(GP)
    path = register(person, "Stang Systems", "X26C")
    person.follow("Smartcards")
    person.follow("Ask for smartcards")
    form = person.path
    names = "Wren Stang\n\nPiers Stang"
    wanted: dict[str, str | list[str]] = {**ASKED, "names": names, "workgroups": "RCD/Cardiology"}
    request = person.hidden("request")
    person.send("Get the cards", **wanted)
    assert "The cards are issued." in person.text
    assert (len(_found(tested, "Wren Stang")), len(_found(tested, "Piers Stang"))) == (1, 1)
    person.go(form)
    person.send("Get the cards", **wanted, request=request)  # the same form, sent again
    assert (len(_found(tested, "Wren Stang")), len(_found(tested, "Piers Stang"))) == (1, 1)
    person.go(f"/api/v1{path}/cards")
    cards = person.reply.json()["cards"]
    assert [each["state"] for each in cards] == ["issued", "issued"]
    uuid = next(each["card"]["uuid"] for each in cards if each["card"]["name"] == "Wren Stang")
    enter(uuid)  # the holder logs in
    person.go(f"{path}/cards/new")
    person.send("Get the cards", **EXISTING, uuid=uuid)  # a card that the portal has issued to this partner
    assert "The card has the roles." in person.text


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"names": "A\nB\nC\nD\nE"}, "at most 4"),
        ({"names": ""}, "Enter the names of the holders"),
        ({"names": "A\u200bB"}, "visible characters"),
        ({"roles": []}, "Choose at least one role"),
        ({"roles": ["ERS_ADMIN"]}, "Choose at least one role"),
        ({"environment": "LIVE"}, "Choose the environment"),
        ({"kind": "all"}, "Choose new cards or an existing one"),
        ({"organisation": "?"}, "Use 3 to 10 letters and digits"),
        ({"organisation": "ZZ99"}, "ZZ99"),
        ({"workgroups": "Cardiology"}, "Write Cardiology as ODS code, slash and name"),
        ({"workgroups": "R69/Cardiology"}, "R69/Cardiology"),
        ({"request": "x"}, "The form is not whole"),
        ({"kind": "existing", "uuid": "1"}, "Enter the 12 digits of the card"),
        ({"kind": "existing", "uuid": CONSULTANT}, "No person of your partner has this card"),
    ],
)
def test_a_wrong_request_names_its_field_and_leaves_nothing(
    enter: Enter, change: dict[str, str | list[str]], error: str
) -> None:
    person = enter(GP)
    person.go("/partners")
    if "Card Systems" not in person.text:
        register(person, "Card Systems", "X26CW")
        person.go("/partners")
    person.follow("Card Systems")
    person.follow("Smartcards")
    path = person.path
    person.follow("Ask for smartcards")
    person.send("Get the cards", **{**ASKED, "names": "Nobody", **change})
    assert person.reply.status_code == 422
    assert error in person.text
    person.go(f"/api/v1{path}")
    assert person.reply.json()["cards"] == []


def test_a_card_that_somebody_has_gets_roles(enter: Enter, tested: TestedService) -> None:
    person = enter(GP)
    path = register(person, "Gill Systems", "X26CG")
    for _ in range(2):
        person.go(f"{path}/cards/new")
        person.send("Get the cards", **EXISTING, uuid=GP)
        assert "The card has the roles." in person.text
    person.go(f"{path}/people")
    stranger = "555000000001"
    person.send("Save", subject=stranger, name="Nell", role="developer")
    person.go(f"{path}/cards/new")
    person.send("Get the cards", **EXISTING, uuid=stranger)
    assert f"There is no card {stranger} in DEV1: A card works only in the environment that issued it" in person.text
    assert _found(tested, stranger) == []


def test_cards_of_an_environment_that_does_not_answer_wait(enter: Enter) -> None:
    person = enter(GP)
    path = register(person, "Wath Systems", "X26CA")
    person.go(f"{path}/cards/new")
    person.send("Get the cards", **{**ASKED, "environment": "INT1", "names": "Wath Wait"})
    assert "INT1 does not answer. The cards are issued as soon as it does." in person.text
    assert "waits for INT1" in person.text
    person.go(f"{path}/cards/new")
    person.send("Get the cards", **ASKED, names="Wath Works")
    assert "The cards are issued." in person.text


def test_roles_are_added_and_others_stay() -> None:
    claims = {"organisation": "D82106", "functions": ["REFERRING_CLINICIAN"], "from_claims": True}
    person = {"id": "1", "roles": [claims, {"organisation": "RCD", "functions": ["A"]}], "workgroups": ["RCD/X"]}
    card = _card(organisation="D82106", functions=("REFERRING_ADMIN", "REFERRING_CLINICIAN"), workgroups=("D82106/Y",))
    changed = with_roles(person, card)
    assert changed["roles"][:2] == person["roles"]
    assert changed["roles"][2] == {"organisation": "D82106", "functions": ["REFERRING_ADMIN", "REFERRING_CLINICIAN"]}
    assert changed["workgroups"] == ["RCD/X", "D82106/Y"]
    assert with_roles(changed, card) == changed
    with pytest.raises(ValueError, match="at most 10"):
        read_workgroups("RCD/A\n" * 11)


def _card(**changes: Any) -> Card:
    asked: dict[str, Any] = {"environment": "DEV1", "uuid": new_uuid(), "is_new": True, "name": "Kay Killed"}
    asked |= {"organisation": "D82106", "functions": ("REFERRING_ADMIN",)}
    return Card(**(asked | changes))


class _Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
async def store(empty_url: str) -> AsyncGenerator[PortalStore]:
    """Provide a migrated store."""
    made = PortalStore(empty_url, (), lambda: NOW)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def environment(portal_environment: EnvironmentSettings) -> AsyncGenerator[Environment]:
    """Provide the service as an environment."""
    made = Environment(portal_environment)
    yield made
    await made.close()


@pytest.mark.anyio
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "existing"])
@pytest.mark.parametrize("step", ["before", "after", "ended"])
async def test_a_card_is_finished_after_a_stop_at_any_step(
    step: str, is_new: bool, store: PortalStore, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The portal stops before the environment is asked, after it has answered, or before this is stored."""
    card = _card(is_new=is_new)
    if not is_new:
        await environment.create("people", card.uuid, {"id": card.uuid, "name": "Kay", "roles": [], "workgroups": []})
    (stored,) = await store.cards.ask("p", "r", [card])
    method = "create" if is_new else "replace"
    held: object = environment if step != "ended" else store.cards
    name = method if step != "ended" else "ended"
    real = cast("Callable[..., Any]", getattr(held, name))

    async def _stop(*told: Any) -> None:
        if step == "after":
            await real(*told)
        raise _Killed

    with monkeypatch.context() as patched:
        patched.setattr(held, name, _stop)
        with pytest.raises(_Killed):
            await finish(stored, store, {"DEV1": environment})
    assert [each.state for each in await store.cards.of_partner("p")] == [CardState.WAITING]
    for _ in range(2):
        await finish_waiting(store, {"DEV1": environment})
    assert [each.state for each in await store.cards.of_partner("p")] == [CardState.ISSUED]
    present = await environment.read("people", card.uuid)
    assert present is not None
    assert present.version == ('"1"' if is_new else '"2"')
    assert [each["functions"] for each in present.record["roles"]] == [["REFERRING_ADMIN"]]


@pytest.mark.anyio
async def test_a_refused_card_does_not_wait_for_ever(store: PortalStore, environment: Environment) -> None:
    taken = _card(name="Another name")
    await environment.create("people", taken.uuid, {"id": taken.uuid, "name": "First", "roles": [], "workgroups": []})
    await store.cards.ask("p", "r", [taken])
    await store.cards.ask("p", "s", [_card(environment="GONE")])
    await finish_waiting(store, {"DEV1": environment})
    states = {each.card.environment: each for each in await store.cards.of_partner("p")}
    assert states["DEV1"].state is CardState.REFUSED
    assert states["DEV1"].card.refusal
    assert states["GONE"].state is CardState.WAITING


@pytest.mark.anyio
async def test_a_partner_gets_a_bounded_number_of_cards(store: PortalStore) -> None:
    for number in range(MOST_OF_PARTNER):
        await store.cards.ask("p", str(number), [_card()])
    with pytest.raises(TooManyCards):
        await store.cards.ask("p", "more", [_card()])
    await store.cards.ask("other", "more", [_card()])
