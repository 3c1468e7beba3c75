"""Files in FHIR: DocumentReference, in requests that attach a file and in replies that show one.

A request names a file only by its address; a reply shows the file's details. Source: rules chapters 4, 6, 11.2 row 25
and 12.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openers.domain.attachments import Attachment, AttachmentType
from openers.domain.identifiers import FileId, UserId
from openers.usecases.files.attach_files import NamedFile
from openers.wire.instants import write_instant
from openers.wire.json import (
    LONGEST_DESCRIPTION,
    BadCode,
    BadStructure,
    BadValue,
    Json,
    JsonValue,
    array,
    element,
    fixed,
    join,
    needed,
    resource,
    text,
)
from openers.wire.stu3.kinds import coding, concept, instant, string
from openers.wire.stu3.systems import ODS_CODE, SDS_USER, code_system, coded, extension, identified, profile

PROFILE: Final = profile("DocumentReference")
ADDRESS: Final = "Binary/"
TYPE: Final = code_system("AttachmentType")
TYPE_DISPLAYS: Final = {each: each.replace("_", " ").title() for each in AttachmentType}
"""The display text of each attachment type."""
AVAILABILITY: Final = code_system("AvailabilityStatus")
_TYPE: Final = concept(coding(TYPE, AttachmentType))
_INDEXED: Final = instant()
_DESCRIPTION: Final = string(str, LONGEST_DESCRIPTION)
_DOCUMENT: Final = frozenset(
    {"resourceType", "id", "meta", "language", "type", "status", "indexed", "description", "content"}
)
_CONTENT: Final = frozenset({"id", "attachment"})
_ATTACHMENT: Final = frozenset({"id", "url"})


def read_document(node: JsonValue, path: str) -> NamedFile:
    """Return the file named in a DocumentReference. Raises the classes of `Unreadable`."""
    if isinstance(node, dict) and node.get("description", "") is None:  # the only element that may be null
        node = {name: value for name, value in node.items() if name != "description"}
    body = resource(node, path, "DocumentReference", _DOCUMENT, PROFILE)
    fixed(body, "status", path, "current")
    _INDEXED.read(needed(body, "indexed", path), join(path, "indexed"))
    described = body.get("description")
    description = None if described is None else _DESCRIPTION.read(described, join(path, "description"))
    return NamedFile(_file(body, path), _type(body, path), description)


def document_id(attachment: Attachment) -> str:
    """Return the id of the contained resource of an attachment."""
    return f"DocumentReference-{attachment.id}"


def document_of(attachment: Attachment) -> Json:
    """Return the attachment as a contained resource."""
    shown: Json = {
        "id": document_id(attachment),
        "meta": {"profile": [PROFILE]},
        "resourceType": "DocumentReference",
        "type": {"coding": [coded(TYPE, attachment.type, TYPE_DISPLAYS[attachment.type])]},
        "status": "current",
        "indexed": write_instant(attachment.indexed),
    }
    if attachment.description is not None:
        shown["description"] = attachment.description
    shown["content"] = [{"attachment": _attachment_of(attachment)}]
    return shown


def documents_of(attachments: Sequence[Attachment]) -> list[JsonValue]:
    """Return all attachments as contained resources."""
    return [document_of(each) for each in attachments]


def references_to(attachments: Sequence[Attachment]) -> list[JsonValue]:
    """Return references to the contained resources of all attachments."""
    return [{"reference": f"#{document_id(each)}"} for each in attachments]


def _attachment_of(attachment: Attachment) -> Json:
    return {
        "id": attachment.id,
        "extension": [
            {
                "url": extension("AvailabilityStatus"),
                "valueCoding": coded(AVAILABILITY, attachment.availability),
            },
            _person("AttachedBy", attachment.by),
            {
                "url": extension("AttachedByOrganisation"),
                "valueReference": {"identifier": identified(ODS_CODE, attachment.organisation)},
            },
            *([] if attachment.on_behalf_of is None else [_person("AttachedOnBehalfOf", attachment.on_behalf_of)]),
        ],
        "contentType": attachment.media_type,
        "url": f"{ADDRESS}{attachment.file}",
        "size": attachment.size,
        "title": attachment.name,
        "creation": attachment.created.isoformat(),
    }


def _person(name: str, user: UserId) -> Json:
    return {"url": extension(name), "valueReference": {"identifier": identified(SDS_USER, user)}}


def _type(body: Json, path: str) -> AttachmentType:
    try:
        return _TYPE.read(needed(body, "type", path), join(path, "type"))
    except BadCode as error:  # the operations that attach files list no INVALID_CODE
        raise BadValue(error.path, error.value, error.hint) from None


def _file(body: Json, path: str) -> FileId:
    at = join(path, "content")
    contents = array(needed(body, "content", path), at)
    if len(contents) != 1:
        raise BadStructure(at, None, "must hold one attachment")
    here = f"{at}[0]"
    there = join(here, "attachment")
    attachment = element(needed(element(contents[0], here, _CONTENT), "attachment", here), there, _ATTACHMENT)
    place = join(there, "url")
    url = text(needed(attachment, "url", there), place)
    try:
        return FileId(url.removeprefix(ADDRESS) if url.startswith(ADDRESS) else "")
    except ValueError:
        raise BadValue(place, url, f"must be {ADDRESS} and {FileId.shape}") from None
