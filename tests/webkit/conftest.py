"""The style guide as a service, and a browser."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from openers_web.style_guide.page import PATH, application
from tests.kit.web.pages import browser as browser
from tests.kit.web.served import served


@pytest.fixture(scope="session")
def style_guide() -> Generator[str]:
    """Serve the style guide; return its address."""
    with served(application()) as address:
        yield f"{address}{PATH}"
