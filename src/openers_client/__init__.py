"""A typed client for any e-Referral Service; it uses only the published interface.

`ErsClient` is asynchronous, `SyncErsClient` is the same for programs that are not. `log_in` and `application_token`
fetch a token only. The rest of the package is imported when a name of it is first used, so that programs that only
fetch tokens start fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from openers_client.applications import Application, Tokens
from openers_client.errors import (
    CallRejected,
    ErsError,
    InvalidRequest,
    LogInFailed,
    NotAllowed,
    NotFound,
    NotLoggedIn,
    OutcomeUnknown,
    PasFailed,
    RecordLocked,
    ServiceFailed,
    ServiceUnreachable,
    TooManyRequests,
    UnreadableReply,
    VersionConflict,
)
from openers_client.log_in import application_token, log_in
from openers_client.roles import Role

if TYPE_CHECKING:
    from openers_client.client import ErsClient
    from openers_client.operations.base import Record
    from openers_client.operations.booking import SlotQuery
    from openers_client.operations.files import Upload
    from openers_client.records.files import UploadedFile
    from openers_client.requests.advice import Closing, Conversion, Response
    from openers_client.requests.appointments import Deferral
    from openers_client.requests.attachments import Attachment
    from openers_client.requests.decisions import ActLater, RejectionOfReferral, ReviewOutcome
    from openers_client.requests.patients import PatientSearch
    from openers_client.requests.shortlists import Criteria, NewReferral, NewShortlist, Question, Search, Shortlist
    from openers_client.requests.worklists import Filters
    from openers_client.retries import RetryPolicy
    from openers_client.sessions import Session
    from openers_client.sync import SyncErsClient

__all__ = [
    "ActLater",
    "Application",
    "Attachment",
    "CallRejected",
    "Closing",
    "Conversion",
    "Criteria",
    "Deferral",
    "ErsClient",
    "ErsError",
    "Filters",
    "InvalidRequest",
    "LogInFailed",
    "NewReferral",
    "NewShortlist",
    "NotAllowed",
    "NotFound",
    "NotLoggedIn",
    "OutcomeUnknown",
    "PasFailed",
    "PatientSearch",
    "Question",
    "Record",
    "RecordLocked",
    "RejectionOfReferral",
    "Response",
    "RetryPolicy",
    "ReviewOutcome",
    "Role",
    "Search",
    "ServiceFailed",
    "ServiceUnreachable",
    "Session",
    "Shortlist",
    "SlotQuery",
    "SyncErsClient",
    "Tokens",
    "TooManyRequests",
    "UnreadableReply",
    "Upload",
    "UploadedFile",
    "VersionConflict",
    "application_token",
    "log_in",
]

_MODULES: Final = {
    "client": ("ErsClient",),
    "operations.base": ("Record",),
    "operations.booking": ("SlotQuery",),
    "operations.files": ("Upload",),
    "records.files": ("UploadedFile",),
    "requests.advice": ("Closing", "Conversion", "Response"),
    "requests.appointments": ("Deferral",),
    "requests.attachments": ("Attachment",),
    "requests.decisions": ("ActLater", "RejectionOfReferral", "ReviewOutcome"),
    "requests.patients": ("PatientSearch",),
    "requests.shortlists": ("Criteria", "NewReferral", "NewShortlist", "Question", "Search", "Shortlist"),
    "requests.worklists": ("Filters",),
    "retries": ("RetryPolicy",),
    "sessions": ("Session",),
    "sync": ("SyncErsClient",),
}
"""The names that are imported when they are first used, by module."""
_PLACES: Final = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Return a name of the package, imported at its first use. Raises AttributeError."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    return found
