"""The built documentation: its folder, the headers of its pages, and the pages for what is missing."""

from __future__ import annotations

from typing import Final

from openers.web.frame import HERE, PAGES, frame
from openers_web.headers import POLICY

DOCS: Final = "/docs"
SITE: Final = HERE / "site"
"""Where `make docs` and the set-up put the pages, and where the package has them."""
DOCS_HEADERS: Final = {"content-security-policy": POLICY, "referrer-policy": "no-referrer"}
"""The search page loads its index and the pages that it quotes, from this service only."""


def missing_page(root: str, is_built: bool, *, production: bool) -> bytes:
    """Return the page for an unknown address below `/docs`, or for an installation without documentation.

    `root` is the path of the world's address.
    """
    template = "missing_page.html" if is_built else "missing_documentation.html"
    return PAGES.render(template, frame(root, production=production), docs=f"{root}{DOCS}/").encode()
