"""The frame of the service's own pages: name, banner and footer."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from openers_web.assets import BASE
from openers_web.layout import NOTICE, Frame, Link, Pages, Site

HERE: Final = Path(__file__).parent
FOOTER: Final = (
    Link("Documentation", "/docs/"),
    Link("Accessibility", "/accessibility"),
    Link("Privacy and cookies", "/privacy"),
)
PAGES: Final = Pages(HERE / "templates")


def frame(root: str, *, production: bool = False) -> Frame:
    """Return the frame of a page of the world whose address has the path `root`: empty, or like `/w/name`.

    Only test mode has the banner on synthetic data.
    """
    footer = [Link(each.text, f"{root}{each.href}") for each in FOOTER]
    notice = "" if production else NOTICE
    return Frame(Site("OpenERS", f"{root}/", f"{root}{BASE}", notice, footer))
