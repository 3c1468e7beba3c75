"""Uploaded files as requests name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from openers_client import fhir
from openers_client.fhir import Json
from openers_client.records.files import UploadedFile


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Attachment:
    """An uploaded file to attach, with a description of at most 200 characters."""

    file: UploadedFile
    description: str | None = None
    indexed: datetime = field(default_factory=_now)


def documents(name: str, files: Sequence[Attachment], kind: str) -> list[Json]:
    """Return a parameter `name` for each file; `kind` is the attachment type of the operation."""
    return [{"name": name, "resource": _document(each, kind)} for each in files]


def _document(attachment: Attachment, kind: str) -> Json:
    described = {} if attachment.description is None else {"description": attachment.description}
    return {
        "resourceType": "DocumentReference",
        "meta": {"profile": [f"{fhir.PROFILES}eRS-DocumentReference-1"]},
        "type": {"coding": [{"system": f"{fhir.CODES}eRS-AttachmentType-1", "code": kind}]},
        "status": "current",
        "indexed": fhir.written(attachment.indexed),
        **described,
        "content": [{"attachment": {"url": attachment.file.reference}}],
    }
