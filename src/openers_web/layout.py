"""The frame of all pages: banner, header, navigation, account, footer; and how a page is rendered in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import Environment
from markupsafe import Markup
from starlette.responses import HTMLResponse

from openers_web import dates
from openers_web.assets import BASE, load_assets
from openers_web.environments import page_environment
from openers_web.headers import PAGE_HEADERS
from openers_web.parts import forms, lists, tables, texts
from openers_web.parts.texts import Flash

NOTICE: Final = "Not an NHS service. Synthetic data."
PARTS: Final[Mapping[str, Any]] = {
    **{part.__name__: part for part in (forms.Field, forms.Option, lists.Pill, tables.Cell, tables.Column, tables.Row)},
    **{part.__name__: part for part in (texts.Entry, texts.Fact, texts.Flash, texts.Tab)},
    **{
        part.__name__: part
        for part in (
            *(forms.button, forms.checkboxes, forms.date_input, forms.error_summary, forms.file_upload, forms.hidden),
            *(forms.link_button, forms.radios, forms.select, forms.small_button, forms.text_input, forms.textarea),
            *(lists.list_filter, lists.paging, lists.pills, tables.table),
            *(texts.card, texts.code_block, texts.details, texts.facts, texts.flash, texts.inset, texts.nhs_number),
            *(texts.tabs, texts.tag, texts.timeline, texts.warning),
            *(dates.day_in_words, dates.short_day, dates.moment_in_words),
        )
    },
}
"""What templates may call without importing it."""


class Link(msgspec.Struct, frozen=True):
    """A link; `count` shows a number beside its text."""

    text: str
    href: str
    count: int | None = None


class Search(msgspec.Struct, frozen=True):
    """The search box of the header: where it leads, what it is for, and the text in it."""

    action: str
    label: str
    name: str = "q"
    value: str = ""


class Account(msgspec.Struct, frozen=True):
    """Who is logged in, in which role, and the form token of the log-out button."""

    name: str
    role: str
    form_token: str
    change_role: str = ""
    log_out: str = "/log-out"
    ends_in_s: int = 0
    """Seconds until the session ends without another request; 0: no warning."""


class Site(msgspec.Struct, frozen=True):
    """What is the same on all pages of an application."""

    name: str
    home: str = "/"
    assets: str = BASE
    notice: str = NOTICE
    """Text of the banner; empty in production."""
    footer: Sequence[Link] = ()


class Frame(msgspec.Struct, frozen=True):
    """What the frame of one page shows."""

    site: Site
    navigation: Sequence[Link] = ()
    current: str = ""
    """Address of the navigation's current entry."""
    account: Account | None = None
    search: Search | None = None
    environment: str = ""
    """Shown in the banner, for example the world and its clock."""
    trail: Sequence[Link] = ()
    back: Link | None = None
    flashes: Sequence[Flash] = ()


class Pages:
    """The pages of one application: its folder of templates, with the kit's layout and parts."""

    def __init__(self, *folders: Path) -> None:
        """Prepare the templates of these folders. They extend `kit/page.html`."""
        self.environment: Environment = page_environment(PARTS, *folders)

    def render(self, template: str, frame: Frame, **shown: Any) -> str:
        """Return a page as HTML. Raises an error of Jinja for a name that was not given."""
        assets = load_assets().address(frame.site.assets)
        return self.environment.get_template(template).render(frame=frame, kit_assets=assets, **shown)

    def response(self, template: str, frame: Frame, status: int = HTTPStatus.OK, **shown: Any) -> HTMLResponse:
        """Return a page with the security headers."""
        return HTMLResponse(self.render(template, frame, **shown), status, PAGE_HEADERS)

    def page(self, frame: Frame, title: str, content: Markup, status: int = HTTPStatus.OK) -> HTMLResponse:
        """Return a page without a template of its own, from parts."""
        return self.response("kit/plain.html", frame, status, title=title, content=content)

    def problem(self, frame: Frame, status: int, title: str, cure: str) -> HTMLResponse:
        """Return a page for an error: what happened and what to do next."""
        return self.response("kit/problem.html", frame, status, title=title, cure=cure)
