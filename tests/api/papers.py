"""A check for operations that return a PDF."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import httpx
from tests.kit.documents.pages import text_of

LONDON: Final = ZoneInfo("Europe/London")


def paper(reply: httpx.Response, kind: str, ubrn: str, since: datetime) -> str:
    """Check the headers and file name of a PDF reply; return its text."""
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/pdf"
    assert reply.headers["content-length"] == str(len(reply.content))
    named = re.fullmatch(rf'attachment; filename="{ubrn}_{kind}_(\d{{14}})\.pdf"', reply.headers["content-disposition"])
    assert named, reply.headers["content-disposition"]
    made = datetime.strptime(named[1], "%Y%m%d%H%M%S").replace(tzinfo=LONDON)
    assert abs((made - since).total_seconds()) < 60
    return text_of(reply.content)
