"""Complete replies in golden files: status, headers and body, without the ids and times of one test run.

For a PDF that the service generates, the file stores its text in reading order. `OPENERS_UPDATE_GOLDEN=1` rewrites the
files; whoever rewrites them must review the differences.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, Final

import httpx

from tests.kit.documents.pages import text_of
from tests.kit.run.project import ROOT

GOLDEN: Final = ROOT / "tests/golden"
_MADE: Final = re.compile(r"_\d{14}\.pdf")
"""The end of the file name of a PDF that the service generates."""
_MASKS: Final = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "(uuid)"),
    (re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z"), "(now)"),
    (re.compile(r"\b0{6}\d{6}(?=\b|_)"), "(ubrn)"),
    (re.compile(r"_\d{14}(?=\.pdf)"), "_(now)"),
    (re.compile(r"Appointment/\d+"), "Appointment/(id)"),
    (re.compile(r"Slot/\d+"), "Slot/(id)"),
    (re.compile(r"Communication/\d+"), "Communication/(id)"),
    (re.compile(r'(?<="size":)\d+(?=,"title":"Advice and guidance conversation)'), '"(size)"'),
    (re.compile(r'(?<=["#])DocumentReference-\d+'), "DocumentReference-(id)"),
    (re.compile(r'(?<="creation":")\d{4}-\d{2}-\d{2}'), "(day)"),
    (re.compile(r'(?<="valueDate":")\d{4}-\d{2}-\d{2}'), "(day)"),
    (re.compile(r"/files/[\w-]+\.[\w-]+"), "/files/(signed)"),
    (re.compile(r'(?<="id":")\d{1,4}(?=")'), "(id)"),
)
_MASKS_OF_PAPER: Final = (
    (re.compile(r"\b0{4} 0{2}\d{2} \d{4}\b"), "(ubrn)"),
    (re.compile(r"\b[CDFHJKMNPRTVWXY3479]{4} [CDFHJKMNPRTVWXY3479]{4}\b"), "(access code)"),
    (re.compile(r"\b\w+day \d{1,2} [A-Z][a-z]+ 20\d{2}"), "(weekday)"),
    (re.compile(r"\b\d{1,2} [A-Z][a-z]+ 20\d{2}, \d{2}:\d{2}"), "(moment)"),
    (re.compile(r"\b\d{1,2} [A-Z][a-z]+ 20\d{2}"), "(day)"),
    (re.compile(r"\b\d{1,2}:\d{2}[ap]m"), "(time)"),
    (re.compile(r"\b\d+ years"), "(age) years"),
)

_KEPT_HEADERS: Final = (
    *("content-type", "etag", "cache-control", "allow", "www-authenticate", "x-correlation-id"),
    *("location", "content-disposition", "x-content-type-options"),
)

_OF_EVERY_REPLY: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Headers of every reply without another value. Most golden files are older and do not contain them."""


def check_kept(name: str, reply: httpx.Response) -> None:
    """Check that the reply equals the golden file `name` (such as `a005/reply_not_booked`), with fields in the same
    order.
    """
    found, file = kept(reply), GOLDEN / f"{name}.json"
    stated: dict[str, str] = json.loads(file.read_text())["headers"] if file.exists() else {}
    for header, value in _OF_EVERY_REPLY.items():
        if header not in stated:
            assert found["headers"].pop(header) == value
    if os.environ.get("OPENERS_UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert json.dumps(found, indent=1) == json.dumps(json.loads(file.read_text()), indent=1), "order counts too"


def kept(reply: httpx.Response) -> dict[str, Any]:
    """Return the parts of a reply that a golden file stores."""
    headers = {name: _masked(reply.headers[name]) for name in _KEPT_HEADERS if name in reply.headers}
    is_paper = _MADE.search(reply.headers.get("content-disposition", ""))
    text = _masked_paper(text_of(reply.content)) if is_paper else _masked(reply.text)
    is_json = "json" in headers.get("content-type", "") and text
    return {"status": reply.status_code, "headers": headers, "body": json.loads(text) if is_json else text}


def _masked(text: str) -> str:
    """Return a text without ids and times of the test run."""
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text


def _masked_paper(text: str) -> str:
    """Return the text of a PDF without ids, dates and times of the test run."""
    for pattern, mask in _MASKS_OF_PAPER:
        text = pattern.sub(mask, text)
    return text
