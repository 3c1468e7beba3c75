"""Mask patients' identifiers and credentials in log events, by key and by pattern.

Pure; each log line passes through `redact`, as the last step before it is written. Each text like an NHS number is
masked, so a log must not contain other bare numbers of 10 digits. UBRNs (12 digits), UUIDs (also with a number after
them, as in request ids) and hexadecimal digests stay readable.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Final, cast

import msgspec

from openers.domain.identifiers import NHS_NUMBER_IN_TEXT

MASK: Final = "[masked]"
LONGEST: Final = 64 * 1024
"""Maximum characters of a text that are checked and kept."""
_DEEPEST: Final = 16

_SECRET_KEYS: Final = frozenset({"patient", "patients", "code", "cookie", "setcookie", "jwt"})
_SECRET_PARTS: Final = ("nhsnumber", "token", "secret", "password", "assertion", "authorization", "codeverifier")

_NAMED: Final = re.compile(
    r"""(?ix) ( (?: (?<![a-z]) code | token | secret | password | assertion | code_verifier )
        ["']? \s*+ [=:] \s*+ ["']? | authorization ["']? \s*+ [=:] \s*+ ["']? (?: bearer | basic )? \s*+ )
        [^\s&"',;}\]]+ """
)
_SCHEME: Final = re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+")
_OPAQUE: Final = re.compile(
    r"""(?ax) (?P<kept> (?<![\w-])
            (?: [0-9a-f]{32,} | [0-9a-f]{8} (?: -[0-9a-f]{4} ){3} - [0-9a-f]{12} (?: -\d{1,9} )? ) (?![\w-]) )
        | eyJ[\w-]{5,} (?: \. [\w-]* ){1,4}
        | (?<![\w-]) (?= [\w-]* [A-Z0-9] ) [\w-]{40,}
        | (?<!\d) \d{3} [ -]? \d{3} [ -]? \d{4} (?!\d) """
)
_IN_WORDS: Final = string.ascii_letters + string.digits + "_-."
_IN_NUMBERS: Final = string.digits + " -"


def redact(value: object, depth: int = 0) -> object:
    """Return the value with all sensitive parts masked: in texts, numbers and containers, keys included."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, int | float):
        text = str(value)
        return value if redact_text(text) == text else MASK
    if depth >= _DEEPEST:
        return MASK
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return {
            redact_text(str(key)): MASK if is_secret(str(key)) and held is not None else redact(held, depth + 1)
            for key, held in pairs
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(each, depth + 1) for each in cast("list[object]", value)]
    if isinstance(value, bytes | bytearray):
        return redact_text(bytes(value).decode("latin-1"))
    return redact_text(repr(value))


def redact_text(text: str) -> str:
    """Return the text, cut to `LONGEST`, with NHS numbers (10 digits, grouped or not) and credentials masked."""
    text = _cut(text)
    text = _NAMED.sub(rf"\g<1>{MASK}", text)
    text = _SCHEME.sub(rf"\g<1> {MASK}", text)
    return _OPAQUE.sub(lambda match: match["kept"] or MASK, text)


def redact_nhs_numbers(text: str) -> str:
    """Return the text with only NHS numbers masked: for names and addresses without credentials."""
    return NHS_NUMBER_IN_TEXT.sub(MASK, _cut(text))


def _cut(text: str) -> str:
    """Return the text cut to `LONGEST`, followed by its length. A word at the cut is removed entirely."""
    if len(text) <= LONGEST:
        return text
    # Half a token or NHS number would not be recognised: remove the last word, and digits and hyphens before it.
    kept = text[:LONGEST].rstrip(_IN_WORDS).rstrip(_IN_NUMBERS)
    return f"{kept}[... {len(text)} characters]"


def is_secret(key: str) -> bool:
    """Return whether values of this key are always masked."""
    squeezed = "".join(each for each in key.lower() if each.isalnum())
    return squeezed in _SECRET_KEYS or any(part in squeezed for part in _SECRET_PARTS)


def without_password(value: object) -> str:
    """Return a value for people; user information and query of addresses are masked: they may contain passwords."""
    if isinstance(value, tuple):
        return ",".join(map(str, cast("tuple[object, ...]", value)))
    text = str(value)
    scheme, separator, rest = text.partition("://")
    if not separator:
        return text
    user, at, host = rest.rpartition("@")
    masked = f"{user.partition(':')[0]}:***@" if ":" in user else f"{user}{at}"
    host, query, _ = host.partition("?")
    return f"{scheme}://{masked}{host}{'?***' if query else ''}"
