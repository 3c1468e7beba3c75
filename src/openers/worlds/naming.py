"""Find the world that a request names: by its address `/w/{name}/…`, or by the header `X-OpenERS-Tenant`.

The prefix is removed before any other code sees the path, so each address exists in each world.
"""

from __future__ import annotations

from typing import Final

from openers.api.http.request import BY_HEADER, Scope
from openers.worlds.refusals import BadCall
from openers.worlds.running.registry import Worlds
from openers.worlds.running.running_world import WORLDS, RunningWorld

TENANT: Final = b"x-openers-tenant"


def named_by(scope: Scope, worlds: Worlds) -> tuple[RunningWorld, Scope]:
    """Return the world of a request, and the request as that world sees it. Raises BadCall, GoneIdle, Unknown."""
    tenant = next((value.decode("latin-1") for name, value in scope["headers"] if name == TENANT), "")
    path: str = scope["path"]
    if not path.startswith(WORLDS):
        return (worlds.of_tenant(tenant), {**scope, BY_HEADER: True}) if tenant else (worlds.main, scope)
    name, _, rest = path.removeprefix(WORLDS).partition("/")
    held = worlds.addressed(name)
    if tenant and worlds.of_tenant(tenant) is not held:
        raise BadCall(f"The address names world {name} and X-OpenERS-Tenant names {tenant}: omit the header")
    raw = scope.get("raw_path")
    inner = raw[len(WORLDS) + len(name.encode()) :] or b"/" if raw is not None else None
    return held, {**scope, "path": f"/{rest}", "raw_path": inner}
