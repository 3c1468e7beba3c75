"""Two Jinja environments: strict for pages, where an unknown name is an error, and a lenient one for the macros of the
NHS design system, which ask for parameters that were not passed. Only typed functions reach the macros.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from jinja2 import (
    BaseLoader,
    BytecodeCache,
    ChainableUndefined,
    ChoiceLoader,
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
)
from markupsafe import Markup

TEMPLATES: Final = Path(__file__).parent / "templates"
_MACROS: Final = "nhsuk_frontend_jinja"


def page_environment(names: Mapping[str, Any], *folders: Path) -> Environment:
    """Return an environment for the pages of these folders, with the kit's layout beside them.

    Templates may use `names` without importing them.
    """
    loaders: list[BaseLoader] = [FileSystemLoader(folder) for folder in (*folders, TEMPLATES)]
    environment = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_bytecode_cache(),
    )
    environment.globals.update(names)  # pyright: ignore[reportUnknownMemberType] -- Jinja leaves the type open
    return environment


def macro(component: str, name: str, params: Mapping[str, object]) -> Markup:
    """Return the HTML of a macro of the design system; parameters that are None or empty text are left out."""
    passed = {key: value for key, value in params.items() if value is not None and value != ""}
    return Markup(_macro(component, name)(passed).strip())  # noqa: S704 - the macro escapes what it is given


@cache
def _macro(component: str, name: str) -> Callable[[Mapping[str, object]], str]:
    module = _macro_environment().get_template(f"nhsuk/components/{component}/macro.jinja").module
    return cast("Callable[[Mapping[str, object]], str]", getattr(module, name))


@cache
def _macro_environment() -> Environment:
    return Environment(
        loader=PackageLoader(_MACROS),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_bytecode_cache(),
    )


@cache
def _bytecode_cache() -> BytecodeCache | None:
    """Return a cache of compiled templates in this user's temporary folder; None if there is no place for one."""
    try:
        cache_on_disk = FileSystemBytecodeCache()
        probe = Path(cache_on_disk.directory) / ".writable"
        probe.touch()
    except (OSError, RuntimeError):
        return None
    return cache_on_disk
