"""Parts as HTML: all text is escaped, and controls belong to their labels, hints and errors."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from openers_web.assets import FOLDER, load_assets
from openers_web.dates import day_in_words, moment_in_words
from openers_web.headers import PAGE_HEADERS
from openers_web.layout import Frame, Pages, Site
from openers_web.parts import forms, lists, tables, texts
from openers_web.parts.forms import Field, Option

HOSTILE = "<img src=x onerror=alert(1)>\"'"
FIELD = Field(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
CHOICE = (Option(HOSTILE, HOSTILE, HOSTILE),)
AT = datetime(2026, 8, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "shown",
    [
        *(forms.text_input(FIELD), forms.textarea(FIELD), forms.textarea(FIELD, at_most=9), forms.file_upload(FIELD)),
        *(forms.select(FIELD, CHOICE), forms.radios(FIELD, CHOICE), forms.checkboxes(FIELD, CHOICE)),
        *(forms.date_input(FIELD, HOSTILE, HOSTILE, HOSTILE), forms.error_summary({HOSTILE: HOSTILE})),
        *(forms.hidden(HOSTILE, HOSTILE), forms.button(HOSTILE, name=HOSTILE, value=HOSTILE, about=HOSTILE)),
        *(forms.small_button(HOSTILE, about=HOSTILE), forms.link_button(HOSTILE, HOSTILE)),
        *(lists.pills(HOSTILE, (lists.Pill(HOSTILE, HOSTILE),)), lists.paging(HOSTILE, HOSTILE, HOSTILE)),
        *(lists.list_filter(HOSTILE, HOSTILE), texts.tag(HOSTILE), texts.facts((texts.Fact(HOSTILE, HOSTILE),))),
        *(texts.flash(texts.Flash(HOSTILE)), texts.timeline((texts.Entry(AT, HOSTILE, HOSTILE),))),
        *(texts.details(HOSTILE, HOSTILE), texts.inset(HOSTILE), texts.warning(HOSTILE, HOSTILE)),
        *(texts.code_block(HOSTILE, HOSTILE), texts.nhs_number(HOSTILE)),
        tables.table(
            HOSTILE, (tables.Column(HOSTILE),), (tables.Row((tables.Cell(HOSTILE, HOSTILE, HOSTILE),), id=HOSTILE),)
        ),
        tables.table(HOSTILE, (), (), empty=HOSTILE),
    ],
)
def test_a_part_shows_hostile_text_as_text(shown: Markup) -> None:
    assert "<img" not in shown
    assert '>"' not in shown.replace("&#34;", "")
    assert "&lt;im" in shown


def test_a_control_names_its_hint_and_its_error() -> None:
    shown = forms.text_input(Field("ubrn", "UBRN", "0000", "12 digits", "Enter 12 digits"))
    assert '<label class="nhsuk-label" for="ubrn">' in shown
    assert 'aria-describedby="ubrn-hint ubrn-error"' in shown


def test_a_table_with_too_few_cells_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        tables.table("Patients", (tables.Column("Name"), tables.Column("Age")), (tables.Row(("Ros",)),))


def test_a_page_with_an_unknown_name_is_an_error() -> None:
    pages = Pages()
    with pytest.raises(UndefinedError):
        pages.environment.from_string("{{ nothing_of_this_name }}").render()
    with pytest.raises(UndefinedError):
        pages.render("kit/plain.html", Frame(Site("Test")), title="no content")


def test_the_policy_allows_nothing_inline_and_nothing_foreign() -> None:
    policy = PAGE_HEADERS["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert Pages().page(Frame(Site("Test")), "T", Markup("")).headers["content-security-policy"] == policy


def test_the_assets_hold_no_foreign_address_and_no_typeface_of_others() -> None:
    style = (FOLDER / "kit.css").read_text().lower()
    assert "frutiger" not in style
    assert "http://" not in style
    assert "https://" not in style
    assert {"kit.css", "kit.js", "early.js", "icon.svg", "source-sans-3-latin-400-normal.woff2"} <= set(
        load_assets().files
    )


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 8, 1, 8, 0, tzinfo=UTC), "1 August 2026, 09:00"),
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "29 March 2026, 00:59"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "29 March 2026, 02:00"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "25 October 2026, 01:30 BST"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "25 October 2026, 01:30 GMT"),
        (datetime(2026, 10, 25, 2, 0, tzinfo=UTC), "25 October 2026, 02:00"),
    ],
)
def test_times_are_those_of_the_united_kingdom(moment: datetime, words: str) -> None:
    assert moment_in_words(moment) == words


def test_a_day_is_in_words() -> None:
    assert day_in_words(date(2026, 8, 1)) == "1 August 2026"
