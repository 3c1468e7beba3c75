"""Form controls of the design system: label, hint and error belong to the control, also for a screen reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from markupsafe import Markup, escape

from openers_web.environments import macro

Width = Literal[2, 3, 4, 5, 10, 20, 30]
InputKind = Literal["text", "email", "search", "tel", "url", "date", "time", "number"]
Variant = Literal["primary", "secondary", "warning"]


class Field(msgspec.Struct, frozen=True):
    """A control's name, label and state. `value` is what the control shows, `error` the text of its error.

    `id` tells apart controls of the same name in several forms of a page; without it the name is the id.
    """

    name: str
    label: str
    value: str = ""
    hint: str = ""
    error: str = ""
    id: str = ""


class Option(msgspec.Struct, frozen=True):
    """A choice of a select, of radios or of checkboxes."""

    value: str
    text: str | Markup
    hint: str | Markup = ""


def text_input(
    field: Field,
    kind: InputKind = "text",
    *,
    width: Width | None = None,
    autocomplete: str = "off",
    attributes: Mapping[str, str] | None = None,
) -> Markup:
    """Return a field for one line of text."""
    own = {
        "type": kind,
        "value": field.value,
        "width": width,
        "autocomplete": autocomplete,
        "attributes": attributes,
        "inputmode": "numeric" if kind == "number" else None,
    }
    return macro("input", "input", {**_control(field), **own, "type": "text" if kind == "number" else kind})


def textarea(field: Field, rows: int = 4, at_most: int | None = None) -> Markup:
    """Return a field for several lines; with `at_most`, the user sees how many characters are left."""
    params = {**_control(field), "value": field.value, "rows": str(rows)}
    if at_most is None:
        return macro("textarea", "textarea", params)
    return macro("character-count", "characterCount", {**params, "maxlength": at_most})


def select(field: Field, options: Sequence[Option]) -> Markup:
    """Return a drop-down list; `field.value` is selected."""
    items = [{"value": each.value, "text": each.text, "selected": each.value == field.value} for each in options]
    return macro("select", "select", {**_control(field), "items": items})


def radios(field: Field, options: Sequence[Option], *, inline: bool = False, heading: bool = False) -> Markup:
    """Return a choice of one; `field.value` is chosen. With `heading`, the label is the page's title."""
    items = [{**_item(each), "checked": each.value == field.value} for each in options]
    return macro(
        "radios", "radios", {**_group(field, heading=heading), "items": items, "inline": inline, "small": True}
    )


def checkboxes(field: Field, options: Sequence[Option], chosen: Sequence[str] = ()) -> Markup:
    """Return a choice of any number."""
    items = [{**_item(each), "checked": each.value in chosen} for each in options]
    return macro("checkboxes", "checkboxes", {**_group(field), "items": items, "small": True})


def date_input(field: Field, day: str = "", month: str = "", year: str = "") -> Markup:
    """Return three fields for a date, named `{name}-day`, `{name}-month` and `{name}-year`."""
    parts = (("day", day, 2), ("month", month, 2), ("year", year, 4))
    items = [
        {
            "name": f"{field.name}-{name}",
            "label": name.capitalize(),
            "value": value,
            "width": width,
            "id": field.name if name == "day" else f"{field.name}-{name}",
        }
        for name, value, width in parts
    ]
    return macro("date-input", "dateInput", {**_group(field), "id": f"{field.name}-group", "items": items})


def file_upload(field: Field, accept: str = "") -> Markup:
    """Return the browser's own field for a file; `accept` lists media types or name endings.

    The script of the design system replaces it by a button whose accessible name lacks its visible text, so it is not
    asked to.
    """
    attributes = {"accept": accept} if accept else None
    shown = macro("file-upload", "fileUpload", {**_control(field), "attributes": attributes})
    return shown.replace(Markup(' data-module="nhsuk-file-upload"'), Markup(""))


def error_summary(errors: Mapping[str, str]) -> Markup:
    """Return the box above a form that lists its errors, each linked to its control; nothing without errors.

    An error under the empty name belongs to the whole form.
    """
    if not errors:
        return Markup("")
    listed = [{"text": text, **({"href": f"#{name}"} if name else {})} for name, text in errors.items()]
    return macro("error-summary", "errorSummary", {"heading": "There is a problem", "errorList": listed})


def hidden(name: str, value: str) -> Markup:
    """Return a hidden field."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(name, value)


def button(text: str, variant: Variant = "primary", *, name: str = "", value: str = "", about: str = "") -> Markup:
    """Return a button that sends its form. `about` is read after the text by a screen reader only."""
    params = {"html": _label(text, about), "name": name, "value": value, "preventDoubleClick": True}
    return macro("button", "button", {**params, "variant": None if variant == "primary" else variant})


def small_button(text: str, *, name: str = "", value: str = "", about: str = "") -> Markup:
    """Return a small button, for an act on one row of a table."""
    params = {"html": _label(text, about), "name": name, "value": value}
    return macro("button", "button", {**params, "variant": "secondary", "small": True})


def link_button(text: str, href: str, variant: Variant = "primary") -> Markup:
    """Return a link that looks like a button, for a step to another page."""
    return macro("button", "button", {"text": text, "href": href, "variant": None if variant == "primary" else variant})


def _control(field: Field) -> dict[str, object]:
    return {
        "id": field.id or field.name,
        "name": field.name,
        "label": {"text": field.label},
        "hint": field.hint,
        "errorMessage": field.error,
    }


def _group(field: Field, *, heading: bool = False) -> dict[str, object]:
    legend = {"text": field.label, **({"isPageHeading": True, "size": "m"} if heading else {})}
    return {
        "name": field.name,
        "idPrefix": field.id or field.name,
        "fieldset": {"legend": legend},
        "hint": field.hint,
        "errorMessage": field.error,
    }


def _item(option: Option) -> dict[str, object]:
    item: dict[str, object] = {"value": option.value, "html": escape(option.text)}
    return {**item, "hint": {"html": escape(option.hint)}} if option.hint else item


def _label(text: str, about: str) -> Markup:
    extra = Markup('<span class="nhsuk-u-visually-hidden"> ({})</span>').format(about) if about else ""
    return escape(text) + extra
