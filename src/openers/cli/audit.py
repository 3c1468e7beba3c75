"""`openers audit verify`: read the whole chain beside a running service and tell what does not hold."""

from __future__ import annotations

from collections.abc import Sequence

from openers.key_files import read_or_make_key
from openers.settings import Settings, SettingsError
from openers.store.audit_chain import Head
from openers.store.audit_damage import Finding
from openers.store.audit_reading import read_chain
from openers.store.audit_verify import verify


async def verify_audit(settings: Settings, heads: Sequence[str]) -> list[Finding]:
    """What is wrong with the stored audit; `heads` are those that the log told. Raises SettingsError, Unavailable."""
    if not settings.audit_key_file.exists():
        raise SettingsError((f"The audit key {settings.audit_key_file} is not there; set OPENERS_AUDIT_KEY_FILE",))
    expected = [Head.parse(text) for text in heads]
    key = read_or_make_key(settings.audit_key_file, strict=settings.production)
    blocks, stored_heads = await read_chain(settings.database_url)
    return verify(blocks, stored_heads, key, expected)
