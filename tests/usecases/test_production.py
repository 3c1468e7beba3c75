"""Production refuses to start on a store that published test keys would open."""

from __future__ import annotations

from pathlib import Path

import pytest

from openers.bootstrap import open_service
from openers.settings import SettingsError
from tests.kit.service.running import settings_for

pytestmark = pytest.mark.anyio
PRODUCTION = {
    "mode": "production",
    "world": "live",
    "base_url": "https://referrals.example",
    "clamd_url": "unix:/run/clamd",
}


async def test_a_store_with_test_applications_is_refused(demo_url: str, keys: Path) -> None:
    """The refusal names the applications."""
    with pytest.raises(SettingsError, match="demo-provider-app"):
        await open_service(settings_for(demo_url, keys, **PRODUCTION))


async def test_a_store_without_them_is_served(empty_url: str, keys: Path) -> None:
    """No other check prevents the start of production."""
    service = await open_service(settings_for(empty_url, keys, **PRODUCTION))
    await service.world.store.close()
