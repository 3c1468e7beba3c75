"""The collection for Postman (format 2.1) and its environment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from openers.worlds.collections.requests import Chapter, Request
from openers.worlds.collections.scripts import REMEMBER

SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
NAME: Final = "OpenERS"
_AFTER: Final = f"""\
const save = (name, value) => pm.collectionVariables.set(name, value);
const location = pm.response.headers.get("Location");
let body = {{}};
try {{
  body = pm.response.json();
}} catch (error) {{
  // a reply without JSON has nothing to save
}}
{REMEMBER}"""


def postman_files(chapters: Sequence[Chapter], base_url: str) -> Mapping[str, str]:
    """Return the collection and its environment."""
    collection = {
        "info": {"name": NAME, "schema": SCHEMA},
        "item": [{"name": each.title, "item": [_item(request) for request in each.requests]} for each in chapters],
        "event": [_event(_AFTER)],
    }
    values = [{"key": "base_url", "value": base_url, "enabled": True}]
    environment = {"name": f"{NAME} at {base_url}", "values": values, "_postman_variable_scope": "environment"}
    return {"postman/collection.json": _text(collection), "postman/environment.json": _text(environment)}


def _item(request: Request) -> dict[str, Any]:
    checks = f'pm.test("returns {request.status}", () => pm.response.to.have.status({request.status}));\n'
    if request.path == "/_test/sessions":
        checks += f'pm.collectionVariables.set("{request.name}", pm.response.json().access_token);\n'
    return {
        "name": request.title,
        "event": [_event(checks)],
        "request": _request(request),
        "protocolProfileBehavior": {"followRedirects": False},
    }


def _request(request: Request) -> dict[str, Any]:
    made: dict[str, Any] = {
        "method": request.method,
        "header": [{"key": name, "value": value} for name, value in request.headers.items()],
        "url": f"{{{{base_url}}}}{request.path}",
        "auth": {"type": "noauth"},
    }
    if request.token is not None:
        made["auth"] = {"type": "bearer", "bearer": [{"key": "token", "value": f"{{{{{request.token}}}}}"}]}
    raw = request.text if request.body is None else json.dumps(request.body, indent=2, ensure_ascii=False)
    return made if raw is None else {**made, "body": {"mode": "raw", "raw": raw}}


def _event(script: str) -> dict[str, Any]:
    return {"listen": "test", "script": {"type": "text/javascript", "exec": script.splitlines()}}


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
