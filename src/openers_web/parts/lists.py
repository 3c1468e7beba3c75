"""Parts around a list: filters as pills with counts, pages by cursor, and a field that filters while typing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from markupsafe import Markup


class Pill(msgspec.Struct, frozen=True):
    """A filter as a link, with the number of rows that it leaves."""

    text: str
    href: str
    count: int | None = None
    current: bool = False


def pills(label: str, each: Sequence[Pill]) -> Markup:
    """Return filters; `label` names the group for a screen reader."""
    items = Markup("").join(_pill(one) for one in each)
    return Markup('<nav aria-label="{}"><ul class="kit-pills">{}</ul></nav>').format(label, items)


def paging(shown: str, previous: str = "", following: str = "") -> Markup:
    """Return links to the previous and the next page; `shown` says which rows are on this one."""
    link = Markup('<a href="{}" rel="{}">{}</a>')
    before = link.format(previous, "prev", "Previous page") if previous else ""
    after = link.format(following, "next", "Next page") if following else ""
    return Markup('<nav class="kit-paging" aria-label="Pages"><p>{}</p>{}{}</nav>').format(shown, before, after)


def list_filter(label: str, target: str) -> Markup:
    """Return a field that hides the items (`data-filter-item`) of the list with the id `target` while the user types.

    The field is shown only where scripts run; without them the whole list is shown.
    """
    shape = Markup(
        '<div class="nhsuk-form-group kit-no-print" hidden><label class="nhsuk-label" for="{id}-filter">{label}</label>'
        '<input class="nhsuk-input nhsuk-input--width-20" id="{id}-filter" type="search" autocomplete="off" '
        'data-filter="#{id}">'
        '<p class="kit-quiet" role="status" data-filter-count="#{id}"></p></div>'
    )
    return shape.format(id=target, label=label)


def _pill(one: Pill) -> Markup:
    count = Markup('<span class="kit-pill-count">{}</span>').format(one.count) if one.count is not None else ""
    current = Markup(' aria-current="true"') if one.current else ""
    return Markup('<li><a href="{}"{}>{}{}</a></li>').format(one.href, current, one.text, count)
