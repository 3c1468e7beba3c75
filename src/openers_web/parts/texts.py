"""Parts that show information: tags, facts, messages, cards, a timeline, details, tabs and code to copy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec
from markupsafe import Markup

from openers_web.dates import moment_in_words
from openers_web.environments import macro

Colour = Literal["white", "red", "orange", "green", "grey"]
Tone = Literal["success", "warning", "problem"]
_TONES: Final = {
    "success": "kit-flash",
    "warning": "kit-flash kit-flash--warning",
    "problem": "kit-flash kit-flash--problem",
}


class Fact(msgspec.Struct, frozen=True):
    """A name and a value."""

    name: str
    value: str | Markup


class Entry(msgspec.Struct, frozen=True):
    """An entry of a timeline."""

    at: datetime
    title: str
    text: str | Markup = ""


class Tab(msgspec.Struct, frozen=True):
    """A tab, its id and its content. Without scripts all tabs are shown one below the other."""

    id: str
    label: str
    content: Markup


class Flash(msgspec.Struct, frozen=True):
    """A message about what has just happened, shown once at the top of the next page."""

    text: str
    tone: Tone = "success"


def tag(text: str, colour: Colour = "white") -> Markup:
    """Return a tag; its text says everything that its colour says."""
    extra = "" if colour == "white" else f" kit-tag--{colour}"
    return Markup('<strong class="kit-tag{}">{}</strong>').format(extra, text)


def facts(pairs: Sequence[Fact]) -> Markup:
    """Return a list of names and values."""
    items = Markup("").join(Markup("<dt>{}</dt><dd>{}</dd>").format(pair.name, pair.value) for pair in pairs)
    return Markup('<dl class="kit-facts">{}</dl>').format(items)


def flash(message: Flash) -> Markup:
    """Return a message. A problem is announced at once by a screen reader, other messages when it is idle."""
    role = "alert" if message.tone == "problem" else "status"
    return Markup('<div class="{}" role="{}"><p>{}</p></div>').format(_TONES[message.tone], role, message.text)


def card(content: Markup, *, bad: bool = False) -> Markup:
    """Return a white box around content; `bad` marks a refusal or failure."""
    return Markup('<div class="kit-card{}">{}</div>').format(" kit-card--bad" if bad else "", content)


def timeline(entries: Sequence[Entry]) -> Markup:
    """Return what happened, in the order given, with times of the United Kingdom."""
    line = Markup('<li><time datetime="{}">{}</time><h3>{}</h3>{}</li>')
    text = Markup("<p>{}</p>")
    items = Markup("").join(
        line.format(
            each.at.isoformat(), moment_in_words(each.at), each.title, text.format(each.text) if each.text else ""
        )
        for each in entries
    )
    return Markup('<ol class="kit-timeline">{}</ol>').format(items)


def details(summary: str, content: Markup | str, *, is_open: bool = False) -> Markup:
    """Return content that the user unfolds."""
    body = {"html": content} if isinstance(content, Markup) else {"text": content}
    return macro("details", "details", {"summary": summary, "open": is_open, **body})


def tabs(title: str, each: Sequence[Tab]) -> Markup:
    """Return content in tabs; `title` names them for a screen reader."""
    items = [{"id": tab.id, "label": tab.label, "panel": {"html": tab.content}} for tab in each]
    return macro("tabs", "tabs", {"title": title, "items": items})


def inset(content: Markup | str) -> Markup:
    """Return a remark that stands out of the text."""
    return macro("inset-text", "insetText", _body(content))


def warning(heading: str, content: Markup | str) -> Markup:
    """Return a warning, for example of the consequence of an act."""
    return macro("warning-callout", "warningCallout", {"heading": heading, **_body(content)})


def code_block(text: str, id: str) -> Markup:
    """Return code that can be copied by a button where scripts run. `id` must be unique on the page."""
    shape = Markup(
        '<div class="kit-code"><pre id="{id}" tabindex="0"><code>{text}</code></pre>'
        '<p><button type="button" class="kit-quiet-button" data-copy="#{id}" hidden>Copy</button></p></div>'
    )
    return shape.format(id=id, text=text)


def nhs_number(digits: str) -> Markup:
    """Return an NHS number in groups, never broken into lines."""
    return Markup('<span class="kit-nhs-number">{} {} {}</span>').format(digits[:3], digits[3:6], digits[6:])


def _body(content: Markup | str) -> dict[str, object]:
    return {"html": content} if isinstance(content, Markup) else {"text": content}
