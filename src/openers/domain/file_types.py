"""Permitted file names and media types, and the check that the two agree.

The check runs before the content is read. The scan checks the content later. Source: rules chapters 2.4
(NHSD-eRS-File-Name), 4 (A020) and 6 (types).
"""

from __future__ import annotations

import unicodedata
from typing import Final

from openers.domain.attachments import LONGEST_NAME
from openers.domain.errors import ConflictingValues, InappropriateValue, InvalidValue, MissingValue
from openers.domain.fields import Field

EXTENSIONS: Final[dict[str, frozenset[str]]] = {
    "text/plain": frozenset({"txt"}),
    "application/pdf": frozenset({"pdf"}),
    "text/xml": frozenset({"xml"}),
    "text/rtf": frozenset({"rtf", "rtx"}),
    "audio/basic": frozenset({"au"}),
    "audio/mpeg": frozenset({"mp3"}),
    "image/png": frozenset({"png"}),
    "image/gif": frozenset({"gif"}),
    "image/jpeg": frozenset({"jpg", "jpe", "jpeg"}),
    "image/tiff": frozenset({"tif", "tiff"}),
    "video/mpeg": frozenset({"mpg", "mpeg", "mpe"}),
    "application/msword": frozenset({"doc"}),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": frozenset({"docx"}),
    "application/dicom": frozenset({"dcm"}),
}
"""The permitted media types with the file extensions of each."""
_FORBIDDEN: Final = frozenset("/\\")
_INVISIBLE: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode categories that hide or reorder text, or end a header's line."""


def check_file(name: str, media_type: str) -> None:
    """Raise MissingValue, InvalidValue, InappropriateValue or ConflictingValues unless name and type are permitted."""
    _check_name(name)
    extensions = EXTENSIONS.get(media_type)
    if extensions is None:
        raise InappropriateValue(Field.FILE_TYPE, media_type, f"must be one of {', '.join(EXTENSIONS)}")
    _, dot, extension = name.rpartition(".")
    if not dot or extension.lower() not in extensions:
        hint = f"must end in {' or '.join(sorted(f'.{each}' for each in extensions))}, since the type is {media_type}"
        raise ConflictingValues(Field.FILE_NAME, name, hint)


def same_name(name: str) -> str:
    """Return the form in which file names are compared.

    Two names are the same if they differ only by case, by Unicode form (NFC, NFD, NFKC), or by the kind or number of
    their spaces. A person or a disk that ignores case cannot tell such names apart.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())


def _check_name(name: str) -> None:
    if not name:
        raise MissingValue(Field.FILE_NAME)
    if len(name) > LONGEST_NAME:
        raise InvalidValue(Field.FILE_NAME, None, f"must not be longer than {LONGEST_NAME} characters")
    if any(each in _FORBIDDEN or unicodedata.category(each) in _INVISIBLE for each in name):
        raise InvalidValue(Field.FILE_NAME, None, "must not contain slashes, backslashes or invisible characters")
    if name.startswith(".") or name != name.strip():
        raise InvalidValue(Field.FILE_NAME, name, "must not begin with a full stop, or begin or end with a space")
