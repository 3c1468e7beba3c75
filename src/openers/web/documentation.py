"""The built documentation: its folder, the headers of its pages, and the pages for what is missing."""

from __future__ import annotations

from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from openers.web.log_in import HERE, STYLE_PATH

DOCS: Final = "/docs"
SITE: Final = HERE / "site"
"""Where `make docs` and the set-up put the pages, and where the package has them."""
DOCS_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "referrer-policy": "no-referrer",
}
"""The search page loads its index and the pages that it quotes, from this service only."""


def not_found_page() -> bytes:
    """Return the page for an unknown address below `/docs`."""
    return _page("missing_page.html")


def not_built_page() -> bytes:
    """Return the page for an installation without documentation."""
    return _page("missing_documentation.html")


def _page(template: str) -> bytes:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(style=STYLE_PATH, docs=f"{DOCS}/").encode()
