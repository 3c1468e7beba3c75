"""Who may do what: the whole table, and a sweep of partner, page and record that shows nothing of another partner."""

from __future__ import annotations

from typing import Final

import pytest

from openers_portal.access import RIGHTS, Act, Reach, Role
from openers_portal.routes import PAGES, Page
from tests.kit.web.walker import Walker
from tests.portal.conftest import GP, OPERATOR, PARTNER, Enter, add_product, register

CONSULTANT, CLERK = "555031999105", "555032006103"
N, O, A = Reach.NONE, Reach.OWN, Reach.ALL  # noqa: E741 - the table below is read by its columns
COLUMNS: Final = (Role.DEVELOPER, Role.MANAGER, Role.DESK, Role.IMPLEMENTATION, Role.EDITOR, Role.OPERATOR)
MATRIX: Final = {
    Act.READ: (A, A, A, A, A, A),
    Act.REGISTER: (A, A, A, A, A, A),
    Act.READ_PARTNER: (O, O, A, A, N, A),
    Act.CHANGE_PRODUCT: (O, O, N, N, N, N),
    Act.CONNECT: (O, O, N, N, N, N),
    Act.CARDS: (O, O, N, N, N, N),
    Act.PACKS: (O, O, N, N, N, N),
    Act.SIGN: (N, O, N, N, N, N),
    Act.APPROVE: (N, N, N, A, N, A),
    Act.CHANGE_PEOPLE: (N, O, N, N, N, N),
    Act.ASK_DESK: (O, O, N, N, N, N),
    Act.WORK_DESK: (N, N, A, N, N, A),
    Act.EDIT: (N, N, N, N, A, A),
    Act.READ_INTEREST: (N, N, N, N, A, A),
    Act.GIVE_ROLES: (N, N, N, N, N, A),
}
"""Typed by hand, from the plan of the roles."""


def test_the_table_of_rights_is_the_planned_one() -> None:
    assert {act: tuple(RIGHTS[role].get(act, N) for role in COLUMNS) for act in Act} == MATRIX


def test_no_page_of_another_partner_can_be_opened_or_sent(enter: Enter) -> None:
    """Partner by page by record: each address of one partner is tried by the manager of another one."""
    owner, other, operator = enter(GP), enter(CONSULTANT), enter(OPERATOR)
    theirs = register(owner, "Moorland Systems", "X26M")
    product = add_product(owner, "Moorland Desk").rpartition("/")[2]
    own = register(other, "Dale Software", "X26D")
    owner.follow("Register an endpoint")
    owner.send("Register", environment="DEV1", fqdn="desk.moorland.example", organisation="D82106")
    values = {"partner": theirs.rpartition("/")[2], "product": product, "asid": owner.path.rpartition("/")[2]}
    values |= {"serial": "1", "file": "pack.json", "document": "special-terms"}
    owner.go(f"{theirs}/packs/new")
    owner.send("Make the pack", environment="DEV1", seed="4321")
    values["pack"] = owner.path.rpartition("/")[2]
    owner.go(f"{theirs}/cases/new")
    owner.send("Send to the desk", kind="question", title="Moorland asks", text="A Moorland secret")
    values |= {"hazard": "H01", "environment": "DEV1", "tab": "topology"}
    values["case"] = owner.path.rpartition("/")[2]
    for page in [each for each in PAGES if "{partner}" in each.path]:
        path = page.path.format(**values)
        has_record = page.path.count("{") > 1 and "{document}" not in page.path  # everybody reads documents
        below_own = page.path.format(**{**values, "partner": own.rpartition("/")[2]})
        for address in (path, f"/api/v1{path}", *([below_own] if has_record else [])):
            if "GET" in page.methods:
                other.go(address)
                assert other.reply.status_code == 404, address
                assert "oorland" not in other.reply.text, address
            if "POST" in page.methods and not address.startswith("/api"):
                other.post(address)
                assert other.reply.status_code in ({404} if address == path else {403, 404}), address
                assert "oorland" not in other.reply.text, address
    other.go("/partners")
    assert "Moorland" not in other.text
    operator.go("/partners")
    assert "Moorland Systems" in operator.text
    operator.go(product_path := f"{theirs}/products/{product}")
    assert "Moorland Desk" in operator.text
    operator.go(f"{product_path}/settings")
    assert operator.reply.status_code == 403


@pytest.mark.parametrize("page", [each for each in PAGES if each.act is not Act.READ], ids=lambda page: page.path)
def test_a_page_with_a_right_is_closed_to_visitors_without_a_log_in(visitor: Walker, page: Page) -> None:
    path = page.path.replace("{", "").replace("}", "")
    if page.is_data:
        visitor.go(f"/api/v1{path}")
        assert visitor.reply.status_code == 401
    if "GET" in page.methods:
        visitor.go(path)
        assert "Log in" in visitor.buttons
    if "POST" in page.methods:
        visitor.post(path)
        assert visitor.reply.status_code == 401


@pytest.mark.parametrize("path", ["/edit", "/edit/new", "/staff"])
def test_a_person_without_the_role_is_told_so(enter: Enter, path: str) -> None:
    clerk = enter(CLERK)
    clerk.go(path)
    assert clerk.reply.status_code == 403
    assert "Your roles do not let you" in clerk.text


def test_an_operator_gives_a_role_and_takes_it(enter: Enter) -> None:
    operator, clerk = enter(OPERATOR), enter(CLERK)
    operator.go("/staff")
    operator.send("Save", subject=CLERK, roles=["editor", "king"])
    assert "editor" in operator.text
    clerk.go("/edit")
    assert clerk.reply.status_code == 200
    operator.send("Save", subject=CLERK)
    clerk.go("/edit")
    assert clerk.reply.status_code == 403


def test_a_developer_sees_the_partner_and_does_not_change_its_people(enter: Enter) -> None:
    manager, developer = enter(GP), enter(CLERK)
    path = register(manager, "Fell Systems", "X26F")
    developer.go(path)
    assert developer.reply.status_code == 404
    manager.follow("Add or change people")
    manager.send("Save", subject=CLERK, name="Cleo Clerk", role="developer")
    developer.go(path)
    assert "Fell Systems" in developer.text
    developer.go(f"{path}/people")
    assert developer.reply.status_code == 403
    manager.send("Remove", subject=CLERK)
    developer.go(path)
    assert developer.reply.status_code == 404


def test_what_no_database_can_store_is_refused(enter: Enter) -> None:
    operator = enter(OPERATOR)
    for path in ("/edit/%00", "/partners/%00", "/partners/a%00/products/b", "/desk/%00"):
        operator.go(path)
        assert operator.reply.status_code == 404, path
    operator.go("/edit/new?kind=news")
    operator.send("Save draft", title="Nothing\0", text="x")
    assert operator.reply.status_code == 400
    assert "cannot be stored" in operator.text


def test_a_partner_keeps_a_manager(enter: Enter) -> None:
    manager = enter(GP)
    path = register(manager, "Tarn Systems", "X26T")
    manager.go(f"{path}/people")
    for send in (
        lambda: manager.send("Remove", subject=GP),
        lambda: manager.send("Save", subject=GP, role="developer"),
    ):
        send()
        assert "A partner needs a manager" in manager.text


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"name": ""}, "Enter the name of the organisation"),
        ({"code": "no code"}, "Use 3 to 10 letters and digits"),
        ({"code": "X26M9"}, "Accept the Special Terms"),
        ({"email": "nobody"}, "Enter an address such as"),
    ],
)
def test_a_wrong_registration_names_its_field(enter: Enter, change: dict[str, str], error: str) -> None:
    person = enter(GP)
    person.go("/partners/register")
    given: dict[str, str | list[str]] = {"name": "N", "code": "X26N", **PARTNER, **change}
    person.send("Register", **({**given, "consents": []} if "Special Terms" in error else given))
    assert person.reply.status_code == 422
    assert error in person.text


def test_a_code_is_registered_once(enter: Enter) -> None:
    first, second = enter(GP), enter(CONSULTANT)
    register(first, "Beck Systems", "X26B")
    second.go("/partners/register")
    second.send("Register", name="Other", code="x26b", **PARTNER)
    assert "This code is registered already" in second.text


def test_milestones_come_from_what_has_happened(enter: Enter) -> None:
    person = enter(GP)
    register(person, "Scar Systems", "X26S")
    path = add_product(person, "Scar Letters")
    person.go(f"/api/v1{path}")
    reached = {each["name"]: each["at"] is not None for each in person.reply.json()["milestones"]}
    assert reached == {
        "Registered": True,
        "Initiation": False,
        "Connected": False,
        "Compliance": False,
        "Released": False,
    }
    person.go(f"{path}/settings")
    person.send("Submit", users="Ten clerks")
    assert "Choose how the data is used" in person.text
    choices = {"usage": person.choices("usage")[0], "topology": person.choices("topology")[0]}
    person.send("Submit", families=["Service Search"], storage="None", users="Ten clerks", **choices)
    assert "Initiation: reached" in person.text
    assert "Usage and settings were submitted" in person.text
    assert "Not yet measurable" in person.text
