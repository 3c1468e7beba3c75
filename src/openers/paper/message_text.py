"""Make the messages of users safe to display: their HTML is filtered by an allow-list.

A message is stored as it was sent and may contain HTML: links are expected (rules 4, A025), but any HTML may occur.
Pages show `as_html`, paper shows `as_plain`. The typesetter calls it; a `MessageText` must not be displayed in another
way.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

import nh3

from openers.domain.advice import MessageText

TAGS: Final = {"a", "b", "br", "em", "i", "li", "ol", "p", "strong", "u", "ul"}
"""Allowed tags; other tags are removed, scripts and styles together with their content."""
SCHEMES: Final = {"http", "https", "mailto", "tel"}
"""Allowed schemes of links."""
_LINES: Final = {"br", "li", "p"}
"""Tags that begin a new line on paper."""


def as_html(text: MessageText) -> str:
    """Return the message as safe HTML, with text and links only."""
    return nh3.clean(
        text,
        tags=TAGS,
        attributes={"*": set(), "a": {"href"}},
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def as_plain(text: MessageText) -> str:
    """Return the message as plain text; a link is followed by its address unless the link text contains it."""
    if "<" not in text and "&" not in text:
        return str(text)
    reader = _Reader()
    reader.feed(as_html(MessageText(text.replace("\r\n", "\n"))))
    reader.close()
    return reader.text.strip("\n")


class _Reader(HTMLParser):
    """Collects the text of HTML that was filtered by the allow-list."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self._leads_to: str | None = None
        self._words_from = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line before a block, and note where a link leads."""
        if tag in _LINES and self.text and not self.text.endswith("\n"):
            self.text += "\n"
        if tag == "a":
            self._leads_to, self._words_from = dict(attrs).get("href"), len(self.text)

    def handle_endtag(self, tag: str) -> None:
        """Write the address of a link after its words, if they do not have it."""
        if tag == "a" and self._leads_to and self._leads_to not in self.text[self._words_from :]:
            self.text += f" ({self._leads_to})"
        if tag == "a":
            self._leads_to = None

    def handle_data(self, data: str) -> None:
        """Add text."""
        self.text += data
