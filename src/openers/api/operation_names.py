"""The operationId and the tags of each operation in OpenAPI documents: those of the official one, for its clients.

A039 and our extensions are not in the official document; their names follow the same form.
"""

from __future__ import annotations

from typing import Final, NamedTuple

EXTENSIONS: Final = "OpenERS extensions"
"""The tag of operations that the real service does not have."""
_REFER: Final = "Refer patient"
_ASK: Final = "Request advice"
_READ: Final = "Retrieve clinical information"
_REVIEW: Final = "Review referral requests"
_CHANGE: Final = "Change appointment"
_MANAGE: Final = "Manage referral"
_BOOK: Final = "Arrange appointment"
_TRIAGE: Final = "Arrange triage"
_ADVISE: Final = "Review advice and guidance requests"
_USERS: Final = "Retrieve user information"
_SERVICES: Final = "Retrieve healthcare service information"


class Names(NamedTuple):
    """What identifies and groups an operation."""

    operation_id: str
    tags: tuple[str, ...]


NAMES: Final[dict[str, Names]] = {
    "a004": Names(
        "a004-retrieve-reference-data",
        (
            _REFER,
            _ASK,
        ),
    ),
    "a005": Names("a005-retrieve-referral-request", (_READ,)),
    "a005-version": Names("a005-retrieve-referral-request-versioned", (_READ,)),
    "a006": Names("a006-retrieve-attachment", (_READ,)),
    "a007": Names("a007-retrieve-clinical-information", (_READ,)),
    "a008": Names(
        "a008-retrieve-worklist",
        (
            _READ,
            _REVIEW,
        ),
    ),
    "a010": Names(
        "a010-patient-service-search",
        (
            _REFER,
            _ASK,
        ),
    ),
    "a011": Names("a011-create-referral", (_REFER,)),
    "a012": Names(
        "a012-maintain-referral-letter",
        (
            _REFER,
            _BOOK,
            _TRIAGE,
        ),
    ),
    "a013": Names("a013-accept-referral", (_REVIEW,)),
    "a014": Names("a014-reject-referral", (_REVIEW,)),
    "a015": Names("a015-retrieve-appointment-slots", (_BOOK,)),
    "a016": Names(
        "a016-book-or-defer-appointment",
        (
            _BOOK,
            _TRIAGE,
        ),
    ),
    "a019": Names(
        "a019-generate-patient-letter",
        (
            _REFER,
            _BOOK,
            _TRIAGE,
        ),
    ),
    "a020": Names(
        "a020-upload-file-to-document-store",
        (
            _REFER,
            _ASK,
            _BOOK,
            _TRIAGE,
        ),
    ),
    "a021": Names("a021-create-referral-request-and-send-for-triage", (_REFER,)),
    "a022": Names("a022-cancel-appointment-action-later", (_REVIEW,)),
    "a023": Names("a023-retrieve-a&g-worklist", (_ADVISE,)),
    "a024": Names("a024-retrieve-advice-and-guidance", (_READ,)),
    "a024-version": Names("a024-retrieve-advice-and-guidance-versioned", (_READ,)),
    "a025": Names("a025-retrieve-advice-and-guidance-conversation", (_READ,)),
    "a026": Names("a026-send-a&g-response", (_ADVISE,)),
    "a027": Names("a027-convert-a&g-to-referral", (_ADVISE,)),
    "a028": Names("a028-record-triage-outcome", (_REVIEW,)),
    "a029": Names(
        "a029-available-actions-for-user-list",
        (
            _CHANGE,
            _MANAGE,
            _REVIEW,
        ),
    ),
    "a030": Names("a030-retrieve-business-functions", (_USERS,)),
    "a031": Names("a031-change-shortlist", (_MANAGE,)),
    "a032": Names("a032-change-shortlist-and-send-for-triage", (_MANAGE,)),
    "a033": Names("a033-retrieve-healthcare-service", (_SERVICES,)),
    "a034": Names("a034-update-appointment", (_CHANGE,)),
    "a035": Names("a035-search-for-healthcare-services", (_SERVICES,)),
    "a036": Names("a036-cancel-referral", (_MANAGE,)),
    "a037": Names("a037-retrieve-healthcare-service-version", (_SERVICES,)),
    "a038": Names("a038-retrieve-appointment", (_CHANGE,)),
    "a038-version": Names("a038-retrieve-appointment-versioned", (_CHANGE,)),
    "a039": Names(
        "a039-upload-large-file",
        (
            _REFER,
            _ASK,
        ),
    ),
    "a040": Names("a040-retrieve-practitioner-info", (_USERS,)),
    "a041": Names("a041-search-service-request", (_READ,)),
    "a042": Names("a042-retrieve-attachment", (_READ,)),
    "a043": Names("a043-retrieve-advice-and-guidance-overview-pdf", (_READ,)),
    "a044": Names("a044-create-advice-and-guidance-request", (_ASK,)),
    "x001": Names("x001-reply-to-provider", (EXTENSIONS,)),
    "x002": Names("x002-close-advice-and-guidance", (EXTENSIONS,)),
}
"""By the name of the operation's example."""
DEPRECATED: Final = frozenset({"a006", "a021", "a032"})
"""Operations that the official document calls deprecated."""
