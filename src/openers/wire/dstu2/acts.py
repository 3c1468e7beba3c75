"""Acts of the alpha API on a referral: new files (A012) and a rejection (A014). Source: ADR 0073."""

from __future__ import annotations

from base64 import b64decode
from typing import Final

import msgspec

from openers.domain.attachments import AttachmentType
from openers.domain.errors import ConflictingValues, DuplicateFilename, InvalidValue
from openers.domain.fields import Field
from openers.domain.file_types import same_name
from openers.domain.identifiers import AttachmentId, FileId
from openers.domain.referral import Referral
from openers.usecases.files.attach_files import NamedFile
from openers.wire.dstu2.parameters import Sent
from openers.wire.dstu2.systems import value_set
from openers.wire.json import (
    LONGEST_DESCRIPTION,
    BadStructure,
    BadValue,
    Json,
    JsonValue,
    MissingField,
    array,
    bounded,
    join,
)

RETAIN: Final = "attachmentsToRetain"
REMOVE: Final = "attachmentsToRemove"
INSERT: Final = "attachmentsToInsert"
MOST_NEW_FILES: Final = 50
"""Files that one call may add; each is stored by itself."""


class NewFile(msgspec.Struct, frozen=True):
    """A file in a request: its name, its media type, its content, and a description."""

    name: str
    media_type: str
    content: bytes
    description: str | None


class LetterChange(msgspec.Struct, frozen=True):
    """A change of a letter: numbers of attachments to keep and to remove, and files to add."""

    retain: frozenset[AttachmentId]
    remove: frozenset[AttachmentId]
    insert: tuple[NewFile, ...]

    def kept(self, referral: Referral) -> tuple[NamedFile, ...]:
        """Return the referrer's files that stay: all that are not to be removed. Raises a `FieldRefused`.

        Names are compared here too, so that no file is stored for a letter that will be refused.
        """
        own = {each.id: each for each in referral.attachments if each.type is AttachmentType.REFERRER}
        for number in sorted(self.retain | self.remove):
            if number not in own:
                raise InvalidValue(Field.LETTER_FILE, number, "is not a file of this referral's letter")
        both = sorted(self.retain & self.remove)
        if both:
            raise ConflictingValues(Field.LETTER_FILE, both[0], "is to be retained and to be removed")
        kept = [each for each in own.values() if each.id not in self.remove]
        taken = {same_name(each.name) for each in referral.attachments if each.id not in self.remove}
        for index, new in enumerate(self.insert):
            if same_name(new.name) in taken:
                raise DuplicateFilename(Field.LETTER_FILE, new.name, "is the name of another attachment", index)
            taken.add(same_name(new.name))
        return tuple(NamedFile(each.file, each.type, each.description) for each in kept)

    def named(self, referral: Referral, added: tuple[FileId, ...]) -> tuple[NamedFile, ...]:
        """Return all files of the new letter; `added` are the ids of the new ones. Raises a `FieldRefused`."""
        new = (
            NamedFile(file, AttachmentType.REFERRER, each.description)
            for file, each in zip(added, self.insert, strict=True)
        )
        return (*self.kept(referral), *new)


class Rejection(msgspec.Struct, frozen=True):
    """The reason of a rejection, a comment, and whether the provider has cancelled the booking in its own system."""

    reason: str
    comment: str | None
    cancelled_in_pas: bool | None


def read_letter_change(body: Json) -> LetterChange:
    """Return the request of A012. Raises the classes of `Unreadable`."""
    sent = Sent(body, frozenset({RETAIN, REMOVE, INSERT}))
    new = _entries(sent, INSERT)
    if len(new) > MOST_NEW_FILES:
        raise BadStructure(new[MOST_NEW_FILES][1], None, f"at most {MOST_NEW_FILES} files can be added by one call")
    return LetterChange(
        retain=frozenset(_number(each, at) for each, at in _entries(sent, RETAIN)),
        remove=frozenset(_number(each, at) for each, at in _entries(sent, REMOVE)),
        insert=tuple(_new_file(each, at) for each, at in new),
    )


def read_rejection(body: Json) -> Rejection:
    """Return the request of A014. Raises the classes of `Unreadable`."""
    sent = Sent(body, frozenset({"reason", "comment", "cancelledInPas"}))
    reason = sent.code("reason", value_set("rejectionreason"))
    if reason is None:
        raise MissingField("parameter", "reason", "is missing.")
    return Rejection(reason, sent.text("comment"), sent.truth("cancelledInPas"))


def _entries(sent: Sent, name: str) -> list[tuple[Json, str]]:
    found = sent.node(name)
    if found is None:
        return []
    node, at = found
    resource = node.get("resource")
    if not isinstance(resource, dict):
        raise BadStructure(join(at, "resource"), None, "must be an object")
    entries: list[tuple[Json, str]] = []
    for index, each in enumerate(array(resource.get("entry", []), join(at, "resource/entry"))):
        place = f"{at}/resource/entry[{index}]"
        if not isinstance(each, dict):
            raise BadStructure(place, None, "must be an object")
        entries.append((each, place))
    return entries


def _number(entry: Json, at: str) -> AttachmentId:
    value = entry.get("value")
    try:
        return AttachmentId(value if isinstance(value, str) else "")
    except ValueError:
        raise BadValue(join(at, "value"), None, f"must be {AttachmentId.shape}") from None


def _new_file(entry: Json, at: str) -> NewFile:
    data = _text(entry, "data", at)
    try:
        content = b64decode(data, validate=True)
    except ValueError:
        raise BadValue(join(at, "data"), None, "must be base64") from None
    return NewFile(_text(entry, "title", at), _text(entry, "contentType", at), content, _description(entry, at))


def _text(entry: Json, name: str, at: str) -> str:
    value = entry.get(name)
    if value is None:
        raise MissingField(at, name, "is missing.")
    if not isinstance(value, str):
        raise BadStructure(join(at, name), None, "must be a text")
    return value


def _description(entry: Json, at: str) -> str | None:
    """Return the description, which is the text of an extension."""
    extensions: JsonValue = entry.get("extension")
    for each in extensions if isinstance(extensions, list) else []:
        text = each.get("valueString") if isinstance(each, dict) else None
        if isinstance(text, str) and text:
            return bounded(text, join(at, "extension"), LONGEST_DESCRIPTION)
    return None
