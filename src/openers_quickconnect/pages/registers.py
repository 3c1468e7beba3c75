"""The registers of an operator: organisations, sites, people, applications and PAS links, from one table of kinds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from starlette.responses import Response

from openers_client import CallRejected, InvalidRequest, NotAllowed, VersionConflict
from openers_client.administration import (
    EndingRegister,
    Organisation,
    PasLink,
    Person,
    Registered,
    RegisteredApplication,
    Site,
)
from openers_client.errors import Rejection
from openers_quickconnect.desk import Desk
from openers_quickconnect.pages.services import controls
from openers_quickconnect.pages.services.sections import NOT_CHOSEN, Control, Section
from openers_quickconnect.problems import said_of
from openers_quickconnect.words import REGISTERS, ROLES, words
from openers_web.form import Form
from openers_web.layout import Link
from openers_web.parts.forms import Option
from openers_web.parts.tables import Cell, Column, Row
from openers_web.parts.texts import tag

ON_A_PAGE: Final = 50
TAKEN: Final = "The {one} {key} is registered already. Open it to change it"
CHANGED: Final = "Somebody else has changed this record since you opened the page. Look at it again, then decide"
FUNCTION_LINES: Final = "One line for each organisation, for example RCD SERVICE_PROVIDER_CLINICIAN SERVICE_DEFINER"


@dataclass(frozen=True)
class Kind:
    """A kind of record: its type, the attribute that is its key, what a list shows, and the controls of its form.

    `ended` returns whether a record has ended, `ends` what ending one does.
    """

    of: type[Any]
    key: str
    one: str
    columns: Mapping[str, Callable[[Any], str]]
    controls: tuple[Control, ...]
    ended: Callable[[Any], bool]
    ends: str

    def section(self, before: Registered[Any] | None) -> Section:
        """Return the form of a new record, or of one whose key stays."""
        shown = self.controls if before is None else tuple(each for each in self.controls if each.place != self.key)
        return Section(self.key, self.one, shown)


_KIND_OF_ORGANISATION: Final = tuple(
    Option(code, text)
    for code, text in (("GP_PRACTICE", "GP practice"), ("PROVIDER", "Provider"), ("COMMISSIONER", "Commissioner"))
)
_MODES: Final = (
    Option("user-restricted", "For people, who log in"),
    Option("application-restricted", "For itself, with a key"),
)
KINDS: Final[Mapping[str, Kind]] = {
    "organisations": Kind(
        Organisation,
        "ods",
        "organisation",
        {"Kind": lambda one: _worded(_KIND_OF_ORGANISATION, one.kind), "Postcode": lambda one: one.postcode},
        (
            Control("ods", "ODS code", required="Enter the ODS code"),
            Control("name", "Name", required="Enter the name"),
            Control("kind", "Kind", "choice", options=_KIND_OF_ORGANISATION, required="Choose the kind"),
            Control("address", "Address"),
            Control("postcode", "Postcode", required="Enter the postcode"),
            Control("telephone", "Telephone"),
            Control("commissioner", "Commissioner", hint="ODS code of the one that pays for its referrals"),
        ),
        lambda one: one.closed_on is not None,
        "It closes today. Its referrals stay.",
    ),
    "sites": Kind(
        Site,
        "ods",
        "site",
        {"Organisation": lambda one: one.organisation, "Postcode": lambda one: one.postcode},
        (
            Control("ods", "ODS code", required="Enter the ODS code"),
            Control("name", "Name", required="Enter the name"),
            Control("organisation", "Organisation", hint="ODS code", required="Enter the ODS code of the organisation"),
            Control("postcode", "Postcode", required="Enter the postcode"),
        ),
        lambda one: one.closed_on is not None,
        "It closes today. Its services stay.",
    ),
    "people": Kind(
        Person,
        "id",
        "person",
        {"Roles": lambda one: "; ".join(map(_role, one.roles))},
        (
            Control("id", "User id", required="Enter the user id"),
            Control("name", "Name", required="Enter the name"),
            Control("roles", "Roles", "lines", FUNCTION_LINES),
            Control("workgroups", "Workgroups", "lines", "One on each line, for example RCD/Cardiology"),
        ),
        lambda one: not one.active,
        "Their log-ins end at once, and they cannot log in again.",
    ),
    "applications": Kind(
        RegisteredApplication,
        "client_id",
        "application",
        {"Acts": lambda one: _worded(_MODES, one.mode), "ASID": lambda one: one.asid or "none"},
        (
            Control("client_id", "Client id", required="Enter the client id"),
            Control("name", "Name", required="Enter the name"),
            Control("mode", "It acts", "choice", options=_MODES, required="Choose how it acts"),
            Control("asid", "ASID", hint="Twelve digits. Without one it may not call the operations"),
            Control("redirect_uris", "Redirect addresses", "lines", "One on each line"),
            Control("jwks_uri", "Address of its public keys"),
            Control("keys", "Public keys", "text", "A JSON Web Key Set, if it has no address of keys"),
            Control("administers", "May it administer?", "yes-no"),
            Control("single_sign_on", "Do people enter without a page if they are logged in?", "yes-no"),
        ),
        lambda one: not one.active,
        "Its tokens end at once.",
    ),
    "pas-links": Kind(
        PasLink,
        "service",
        "PAS link",
        {"PAS": lambda one: one.url, "Application": lambda one: one.client_id},
        (
            Control("service", "Number of the service", required="Enter the number of the service"),
            Control("url", "FHIR address of the PAS", required="Enter the address of the PAS"),
            Control("client_id", "Application of the PAS", required="Enter the client id of the PAS"),
        ),
        lambda one: not one.active,
        "No slot is offered any more. Appointments can still be cancelled.",
    ),
}
"""The registers by their name in addresses, which is also that of the API."""


async def records(desk: Desk) -> Response:
    """Show a page of a register, or open the record with a key."""
    name = _name(desk)
    kind, key = KINDS[name], desk.asked("q")
    if key:
        return desk.go(desk.at(name, "record", key))
    cursor = desk.asked("cursor") or None
    found, following = await _register(desk, name).page(cursor, None, ON_A_PAGE)
    rows = [
        Row(
            [
                Cell(getattr(each.value, "name", each.key), each.key, desk.at(name, "record", each.key)),
                *(shown(each.value) for shown in kind.columns.values()),
                tag("Ended", "grey") if kind.ended(each.value) else tag("In force", "green"),
            ]
        )
        for each in found
    ]
    return desk.page(
        "registers/list.html",
        current=desk.at(name),
        title=REGISTERS[desk.function][name],
        kind=kind,
        article="an" if kind.one[0] in "aeiou" else "a",
        columns=[Column(kind.one.capitalize()), *(Column(each) for each in kind.columns), Column("State", "short")],
        rows=rows,
        here=desk.at(name),
        following=desk.at(name, cursor=following) if following else "",
    )


async def record(desk: Desk) -> Response:
    """Show a record, or the form of a new one, and save it."""
    name = _name(desk)
    kind, key = KINDS[name], str(desk.request.path_params.get("key", ""))
    before = await _register(desk, name).read(key) if key else None
    form = await desk.form()
    if desk.is_sent:
        reply = await _save(desk, name, before, form)
        if reply is not None:
            return reply
    shown = form if desk.is_sent or form.pairs else controls.filled(kind.section(before), _values(before))
    return desk.page(
        "registers/record.html",
        current=desk.at(name),
        back=Link(REGISTERS[desk.function][name], desk.at(name)),
        status=422 if shown.errors else 200,
        form=shown,
        title=f"New {kind.one}" if before is None else getattr(before.value, "name", key),
        version=0 if before is None else before.version,
        key=key,
        key_label=kind.controls[0].label,
        one=kind.one,
        controls=[controls.shown(each, shown, _options(each)) for each in kind.section(before).controls],
        is_ended=before is not None and kind.ended(before.value),
        cancel=desk.at(name),
        end_at=desk.at(name, "end", key) if before is not None else "",
    )


async def end(desk: Desk) -> Response:
    """Ask, and end a record: nothing is deleted."""
    name = _name(desk)
    kind, key = KINDS[name], desk.part("key")
    before, form = await _register(desk, name).read(key), await desk.form()
    here = desk.at(name, "record", key)
    if desk.is_sent:
        try:
            await _register(desk, name).end(before)
        except (InvalidRequest, VersionConflict) as error:
            form.reject("", said_of(error))
        else:
            return desk.go(here, "The record has ended.")
    title = getattr(before.value, "name", key)
    return desk.page(
        "services/act.html",
        current=desk.at(name),
        back=Link(title, here),
        status=422 if form.errors else 200,
        form=form,
        title=f"End {title}?",
        act="End",
        consequence=kind.ends,
        asks="",
        cancel=here,
    )


async def _save(desk: Desk, name: str, before: Registered[Any] | None, form: Form) -> Response | None:
    kind, register = KINDS[name], _register(desk, name)
    values = _values(before)
    section = kind.section(before)
    controls.read_into(section, form, values)
    if before is not None and form.text("version") != str(before.version):
        form.reject("", CHANGED)
    if form.errors:
        return None
    try:
        given = {each: value for each, value in values.items() if value is not None}
        value = msgspec.convert(_read(given), kind.of)
        made = await (register.create(value) if before is None else register.replace(before, value))
    except msgspec.ValidationError as error:
        form.reject("", f"Something is missing: {error}")
    except VersionConflict:
        form.reject("", CHANGED if before is not None else TAKEN.format(one=kind.one, key=values[kind.key]))
    except CallRejected as error:
        form.reject(*controls.rejected(section, error))
    else:
        return desk.go(desk.at(name, "record", made.key), "Saved.")
    return None


def _name(desk: Desk) -> str:
    """Return the register of the page's address: its third part, after the role. Raises NotAllowed for other roles."""
    name = desk.request.url.path.split("/")[3]
    if name not in REGISTERS.get(desk.function, {}):
        raise NotAllowed(Rejection(403, desk.request.url.path))
    return name


def _register(desk: Desk, name: str) -> EndingRegister[Any]:
    return cast("EndingRegister[Any]", getattr(desk.administration, name.replace("-", "_")))


def _values(before: Registered[Any] | None) -> dict[str, Any]:
    """Return a record as values of JSON, roles as lines; nothing for a new one."""
    if before is None:
        return {}
    values: dict[str, Any] = msgspec.to_builtins(dataclasses.asdict(before.value))
    if isinstance(before.value, Person):
        values["roles"] = _roles(before.value.roles)
    if isinstance(before.value, RegisteredApplication):
        has_keys = bool(before.value.keys.keys)
        values["keys"] = msgspec.json.encode(values["keys"]).decode() if has_keys else None
    return values


def _role(role: Any) -> str:
    return f"{', '.join(words(ROLES, each) for each in role.functions)} at {role.organisation}"


def _worded(options: Sequence[Option], code: str) -> str:
    return next((str(each.text) for each in options if each.value == code), code)


def _roles(roles: Any) -> list[str]:
    return [" ".join((each.organisation, *each.functions)) for each in roles]


def _read(values: dict[str, Any]) -> dict[str, Any]:
    """Return values with their texts read: keys and lines of roles. Raises msgspec.ValidationError."""
    if isinstance(values.get("keys"), str):
        try:
            return {**values, "keys": msgspec.json.decode(values["keys"])}
        except msgspec.DecodeError as error:
            raise msgspec.ValidationError(f"the public keys are not JSON: {error}") from error
    if "roles" not in values:
        return values
    lines = [each.replace(",", " ").replace(":", " ").split() for each in values["roles"]]
    return {**values, "roles": [{"organisation": one, "functions": those} for one, *those in filter(None, lines)]}


def _options(control: Control) -> tuple[Option, ...]:
    return (NOT_CHOSEN, *control.options) if control.kind == "choice" else ()
