"""A small part of Markdown, for answers and notices: paragraphs, lists, `code`, links, and nothing else.

All other text is shown as it is. A link leads to a page of the portal, to the documentation or to another address.
"""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup, escape

DOCUMENTS: Final = "../../../docs/"
"""How the text of the portal names a page of the documentation: relative to its own file."""
_PIECE: Final = re.compile(r"`([^`\n]{1,200})`|\[([^\[\]]{1,200})\]\(([^()\s]{1,300})\)")
_ALLOWED: Final = re.compile(r"https?://[!-~]{1,300}|/[!-~]{0,300}", re.ASCII)


def html_of(text: str, documentation: str) -> Markup:
    """Return the text as HTML; `documentation` is the address of the documentation."""
    blocks = (each.strip() for each in text.replace("\r\n", "\n").split("\n\n"))
    return Markup("\n").join(_block(each, documentation) for each in blocks if each)


def target_of(link: str, documentation: str) -> str:
    """Return the address of a link; empty if it may not be followed."""
    if link.startswith(DOCUMENTS):
        page, _, anchor = link.removeprefix(DOCUMENTS).partition("#")
        return f"{documentation.rstrip('/')}/{page.removesuffix('.md')}.html{f'#{anchor}' if anchor else ''}"
    return link if _ALLOWED.fullmatch(link) and not link.startswith("//") else ""


def _block(block: str, documentation: str) -> Markup:
    lines = block.split("\n")
    if all(line.startswith("- ") for line in lines):
        items = (Markup("<li>{}</li>").format(_line(line[2:], documentation)) for line in lines)
        return Markup("<ul>{}</ul>").format(Markup("").join(items))
    return Markup("<p>{}</p>").format(_line(" ".join(lines), documentation))


def _line(text: str, documentation: str) -> Markup:
    out, at = Markup(""), 0
    for found in _PIECE.finditer(text):
        code, words, link = found.groups()
        out += escape(text[at : found.start()])
        at = found.end()
        if code is not None:
            out += Markup("<code>{}</code>").format(code)
        elif address := target_of(link, documentation):
            out += Markup('<a href="{}">{}</a>').format(address, words)
        else:
            out += escape(words)
    return out + escape(text[at:])
