"""The request that changes a referral's letter (A012). Source: rules chapters 4 and 12."""

from __future__ import annotations

from typing import Final

from openers.usecases.files.attach_files import NamedFile
from openers.wire.json import JsonValue
from openers.wire.stu3.document_reference import read_document
from openers.wire.stu3.kinds import resource
from openers.wire.stu3.parameters import Param, Parameters, many

LETTER_FILE: Final = Param("referralLetterFile", resource(read_document, "NamedDocument"))
MAINTAIN_LETTER: Final = Parameters("MaintainReferralLetter-Parameters", many(LETTER_FILE, required=True))


def read_letter(node: JsonValue) -> tuple[NamedFile, ...]:
    """Return the files of the new letter. Raises the classes of `Unreadable`."""
    return MAINTAIN_LETTER.read(node).all(LETTER_FILE)
