"""Download everything on a worklist into a folder: each referral, its summary and its files. Nothing is fetched twice.

A file gets its name only when it is complete, so a pull that was stopped goes on where it ended. A referral whose
version has changed since is fetched again; its files, which never change, are not.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openers_client import ErsError, fhir
from openers_client.caller import Caller
from openers_client.records.referral import Referral

_UNSAFE: Final = re.compile(r"[^\w.\- ]")
PART: Final = ".part"


@dataclass
class Pulled:
    """What a pull has done: referrals, files, what was there before, and what failed, with the reason."""

    referrals: int = 0
    files: int = 0
    kept: int = 0
    failed: list[str] | None = None

    def fail(self, what: str, error: Exception) -> None:
        """Record a failure; the pull goes on."""
        self.failed = [*(self.failed or []), f"{what}: {error}"]


Progress = Callable[[int, int], object]
"""Reports how many rows of how many are done."""


async def pull(caller: Caller, list_type: str, folder: Path, progress: Progress) -> Pulled:
    """Download a worklist. Raises ErsError if the list itself cannot be read, OSError for the folder."""
    rows = await caller.worklist(list_type)
    _make(folder)
    done = Pulled()
    for number, row in enumerate(rows):
        progress(number, len(rows))
        try:
            await _referral(caller, row.ubrn, folder / row.ubrn, done)
        except ErsError as error:
            done.fail(row.ubrn, error)
    progress(len(rows), len(rows))
    return done


async def _referral(caller: Caller, ubrn: str, folder: Path, done: Pulled) -> None:
    referral = await caller.read_referral(ubrn)
    _make(folder)
    record = folder / f"referral-{referral.version}.json"
    if record.exists():
        done.kept += 1
    else:
        await _summary(caller, referral, folder, done)
    for document in fhir.contained(referral.resource, "DocumentReference"):
        await _file(caller, document, folder, done)
    if not record.exists():
        _write(record, json.dumps(dict(referral.resource), indent=1).encode())
        done.referrals += 1


async def _summary(caller: Caller, referral: Referral, folder: Path, done: Pulled) -> None:
    target = folder / f"summary-{referral.version}.pdf"
    if target.exists():
        done.kept += 1
        return
    part = target.with_name(target.name + PART)
    await caller.print_summary(referral.ubrn, part)
    part.replace(target)
    done.files += 1


async def _file(caller: Caller, document: fhir.Json, folder: Path, done: Pulled) -> None:
    attachment = fhir.at(document, "content", 0, "attachment")
    file_id = fhir.last(fhir.text(attachment, "url"))
    title = _UNSAFE.sub("_", fhir.text(attachment, "title")).lstrip(".") or "file"
    target = folder / f"{file_id[:8]}-{title}"
    if target.exists():
        done.kept += 1
        return
    part = target.with_name(target.name + PART)
    try:
        await caller.download(file_id, part)
    except ErsError as error:
        done.fail(f"{folder.name}/{title}", error)
        return
    part.replace(target)
    done.files += 1


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


def _write(path: Path, content: bytes) -> None:
    """Write a whole file or none."""
    part = path.with_name(path.name + PART)
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
