"""HTTP Archive 1.2 as a JSON schema, typed from its specification: required members and their types."""

from __future__ import annotations

from typing import Any, Final

TEXT: Final = {"type": "string"}
NUMBER: Final = {"type": "number", "minimum": -1}
TIME: Final = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {}), "comment": TEXT},
        "additionalProperties": False,
    }


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


PAIR: Final = _object({"name": TEXT, "value": TEXT})
REQUEST: Final = _object(
    {
        "method": TEXT,
        "url": {"type": "string", "pattern": "^https?://"},
        "httpVersion": TEXT,
        "cookies": _list(PAIR),
        "headers": _list(PAIR),
        "queryString": _list(PAIR),
        "headersSize": NUMBER,
        "bodySize": NUMBER,
    },
    {"postData": _object({"mimeType": TEXT, "text": TEXT}, {"params": _list(PAIR)})},
)
RESPONSE: Final = _object(
    {
        "status": {"type": "integer"},
        "statusText": TEXT,
        "httpVersion": TEXT,
        "cookies": _list(PAIR),
        "headers": _list(PAIR),
        "content": _object({"size": NUMBER, "mimeType": TEXT}, {"text": TEXT, "compression": NUMBER, "encoding": TEXT}),
        "redirectURL": TEXT,
        "headersSize": NUMBER,
        "bodySize": NUMBER,
    }
)
ENTRY: Final = _object(
    {
        "startedDateTime": TIME,
        "time": {"type": "number", "minimum": 0},
        "request": REQUEST,
        "response": RESPONSE,
        "cache": {"type": "object"},
        "timings": _object({"send": NUMBER, "wait": NUMBER, "receive": NUMBER}),
    }
)
HAR: Final = _object(
    {
        "log": _object(
            {"version": {"const": "1.2"}, "creator": _object({"name": TEXT, "version": TEXT}), "entries": _list(ENTRY)}
        )
    }
)
