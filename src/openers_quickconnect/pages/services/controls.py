"""Controls of a draft: show each with its value, and read what was sent into the draft."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from markupsafe import Markup

from openers_client import CallRejected
from openers_client.administration import Draft
from openers_quickconnect.pages.services.sections import CONTACTS, Control, Section
from openers_quickconnect.problems import field_at, said_of
from openers_web.dates import day_of
from openers_web.form import Form
from openers_web.parts import forms
from openers_web.parts.forms import Option

YES_NO: Final = (Option("", "Not decided yet"), Option("true", "Yes"), Option("false", "No"))
LONGEST: Final = 4000
LONGEST_NUMBER: Final = 5
FORMAT: Final = "Expected "
"""How the service begins to say that a value has not the format of its attribute."""
FIRST_HOUR: Final = 1


def values_of(draft: Draft) -> dict[str, Any]:
    """Return a draft as values of JSON."""
    values: dict[str, Any] = msgspec.to_builtins(dataclasses.asdict(draft))
    return values


def draft_of(values: Mapping[str, Any]) -> Draft:
    """Return the draft with these values. Raises msgspec.ValidationError."""
    return msgspec.convert(values, Draft)


def filled(section: Section, values: Mapping[str, Any]) -> Form:
    """Return the form of a section as the draft fills it."""
    pairs = list[tuple[str, str]]()
    for control in section.controls:
        found = _at(values, control.place)
        if control.kind == "several":
            pairs += [(control.name, str(each)) for each in found or ()]
        elif control.kind == "codes":
            pairs.append((control.name, " ".join(sorted(found or ()))))
        elif control.kind == "lines":
            pairs.append((control.name, "\n".join(found or ())))
        elif control.kind == "day":
            year, month, day = (found or "--").split("-")
            pairs += [
                (f"{control.name}-{part}", text.lstrip("0"))
                for part, text in (("year", year), ("month", month), ("day", day))
            ]
        elif isinstance(found, bool):
            pairs.append((control.name, str(found).lower()))
        else:
            is_code = control.kind == "number" and isinstance(found, str)
            pairs.append((control.name, "" if found is None or is_code else str(found)))
    return Form(pairs)


def shown(control: Control, form: Form, options: Sequence[Option] = ()) -> Markup:
    """Return the HTML of a control."""
    field = form.field(control.name, control.label, control.hint)
    choices = list(options or control.options)
    match control.kind:
        case "text" | "lines":
            return forms.textarea(field, 3)
        case "number":
            return forms.text_input(field, "number", width=5)
        case "day":
            day, month, year = (form.text(f"{control.name}-{part}") for part in ("day", "month", "year"))
            return forms.date_input(field, day, month, year)
        case "several":
            return forms.checkboxes(field, choices, form.texts(control.name))
        case "yes-no":
            return forms.radios(field, YES_NO, inline=True)
        case "choice" if len(choices) <= 4:
            return forms.radios(field, choices)
        case "choice":
            return forms.select(field, choices)
        case _:
            return forms.text_input(field)


def read_into(section: Section, form: Form, values: dict[str, Any]) -> None:
    """Put what was sent into the values of the draft; reject on the form what cannot be read."""
    for control in section.controls:
        if control.place not in CONTACTS:
            read, before = _read(control, form), _at(values, control.place)
            keeps_code = read is None and control.kind == "number" and isinstance(before, str)
            _put(values, control.place, before if keeps_code else read)
    if section.covers("contacts"):
        values["contacts"] = _contacts(form, values.get("contacts") or [])
    _tidy(section, values)


def rejected(section: Section, error: CallRejected) -> tuple[str, str]:
    """Return the control that the service rejects, and why; the format of a value in words, not as a pattern."""
    name = field_at(error.place, [each.name for each in section.controls])
    control = next((each for each in section.controls if each.name == name), None)
    if control is None or not error.diagnostics.startswith(FORMAT):
        return name, said_of(error)
    hint = f". {control.hint}" if control.hint else ""
    return name, f"{control.label}: the service does not accept this value{hint}"


def _read(control: Control, form: Form) -> Any:
    text = form.text(control.name)
    match control.kind:
        case "several":
            return list(form.texts(control.name))
        case "codes":
            return sorted(set(text.replace(",", " ").split()))
        case "lines":
            return [line.strip() for line in text.splitlines() if line.strip()]
        case "yes-no":
            return None if text not in ("true", "false") else text == "true"
        case "number":
            return _number(control, text, form)
        case "day":
            return _day(control, form)
        case _ if control.place == "slot_rules.reservation_days":
            return int(text) if text in ("1", "2") else 0
        case _ if control.place == "commissioning.nationally_available":
            return None if text not in ("true", "false") else text == "true"
        case _:
            if len(text) > LONGEST:
                form.reject(control.name, f"Use at most {LONGEST} characters. There are {len(text)}")
            if not text and control.required:
                form.reject(control.name, control.required)
            return text or None


def _number(control: Control, text: str, form: Form) -> int | None:
    if not text:
        return None
    least, most = control.bounds
    found = int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else -1
    if not least <= found <= most:
        form.reject(control.name, f"{control.label}: enter a whole number from {least} to {most}, or leave it empty")
        return None
    return found


def _day(control: Control, form: Form) -> str | None:
    parts = [form.text(f"{control.name}-{part}") for part in ("year", "month", "day")]
    if not any(parts):
        return None
    try:
        return day_of(*parts).isoformat()
    except ValueError:
        form.reject(control.name, f"{control.label}: enter a day, for example 27 3 2031, or leave it empty")
        return None


def _contacts(form: Form, before: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the contacts with those of the form in place of the first one of each kind."""
    kept = [dict(each) for each in before]
    for place, (_, for_patients, system) in CONTACTS.items():
        text = form.text(place.replace(".", "_"))
        known = next((each for each in kept if _is(each, for_patients=for_patients, system=system)), None)
        if text and known is not None:
            known["value"] = text
        elif text:
            kept.append({"for_patients": for_patients, "system": system, "value": text})
        elif known is not None:
            kept.remove(known)
    return kept


def _is(contact: Mapping[str, Any], *, for_patients: bool, system: str) -> bool:
    return contact["for_patients"] is for_patients and contact["system"] == system


def _at(values: Mapping[str, Any], place: str) -> Any:
    """Return the value at a place; `None` if any level is not there."""
    if place in CONTACTS:
        _, for_patients, system = CONTACTS[place]
        those = (each for each in values.get("contacts") or () if _is(each, for_patients=for_patients, system=system))
        return next((each["value"] for each in those), None)
    found: Any = values
    for part in place.split("."):
        found = cast("Mapping[str, Any]", found).get(part) if isinstance(found, Mapping) else None
    return found


def _put(values: dict[str, Any], place: str, value: Any) -> None:
    *above, last = place.split(".")
    inner = values
    for part in above:
        inner[part] = dict(inner.get(part) or {})
        inner = inner[part]
    inner[last] = value


def _tidy(section: Section, values: dict[str, Any]) -> None:
    """Leave out groups of which nothing is decided."""
    if section.covers("commissioning"):
        if values["commissioning"]["nationally_available"] is None:
            values["commissioning"] = None
        restriction = values["restriction"]
        restriction["reason"] = restriction["reason"] or ""
        if not any(restriction.values()):
            values["restriction"] = None
    if section.covers("slot_rules"):
        windows: dict[str, dict[str, Any]] = values["slot_rules"]["windows"]
        values["slot_rules"]["windows"] = {
            code: {"ends_after_days": each["ends_after_days"], "starts_after_hours": _or(each["starts_after_hours"])}
            for code, each in windows.items()
            if any(value is not None for value in each.values())
        }


def _or(hours: int | None) -> int:
    return FIRST_HOUR if hours is None else hours
