"""The declaration of an operation: its address, callers, request and response.

Dispatch, roles, headers, CapabilityStatement and OpenAPI are derived from it. `openers.api.registry` lists all
operations with their handlers. Source: rules chapters 1.2, 2.5 and 14.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from openers.domain.principal import BusinessFunction
from openers.wire.dialect import Fhir
from openers.wire.versions import version_at

GET: Final = "GET"
HEAD: Final = "HEAD"
ANY: Final = "*/*"
"""Value of `produces` of an operation that returns a file in its own media type."""
POST: Final = "POST"
PUT: Final = "PUT"
PROVIDER_APPLICATIONS: Final = frozenset({BusinessFunction.PROVIDER_AUTHORISED_APPLICATION})
REFERRER_APPLICATIONS: Final = frozenset({BusinessFunction.REFERRER_AUTHORISED_APPLICATION})


class Tag(StrEnum):
    """A group of operations in OpenAPI documents: those of the official document, and one of our own."""

    REFER = "Refer patient"
    ASK = "Request advice"
    READ = "Retrieve clinical information"
    REVIEW = "Review referral requests"
    CHANGE = "Change appointment"
    MANAGE = "Manage referral"
    BOOK = "Arrange appointment"
    TRIAGE = "Arrange triage"
    ADVISE = "Review advice and guidance requests"
    USERS = "Retrieve user information"
    SERVICES = "Retrieve healthcare service information"
    EXTENSIONS = "OpenERS extensions"


class Parameter(msgspec.Struct, frozen=True):
    """A query parameter or a header, as documentation shows it.

    `type` is the type of the FHIR search parameter. `_include` has no type; `values` lists its allowed values.
    """

    name: str
    required: bool
    description: str
    type: str = "token"
    values: tuple[str, ...] = ()


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation.

    `roles` are the business functions of users who may call it. `None` (A030) allows each logged-in user, without
    organisation and function headers. An SPCA must name the clinician for whom they act, unless `acts_for` is off
    (A040). `applications` are the functions of application-restricted callers that may call it.

    `if_match` requires the version to change; `asks_pas` may return errors of a PAS; `changes` may conflict with
    another change, as the first two may. `finds` may miss a record that the query or the body names. `refusal` is the
    STU3 status of a field that breaks a rule, 400 too where no rule can be broken.

    `operation_id`, `tags` and `deprecated` are those of the official OpenAPI document, for clients generated from it;
    A039 and our extensions, which it lacks, follow its form.

    `request` and `response` name schemas of our OpenAPI; `audit` is the published audit type. With `takes_file` the
    body is a file, which the operation itself reads from the call. `produces` is the media type of a reply. `ANY` means
    the file's own type, which the operation checks against Accept. If `response` is empty, the reply has only a
    Location. `headers` are those that only this operation has.
    """

    id: str
    method: str
    path: str
    operation_id: str
    tags: tuple[Tag, ...]
    deprecated: bool
    roles: frozenset[BusinessFunction] | None
    applications: frozenset[BusinessFunction]
    success: int
    request: str | None
    response: str
    audit: str
    etag: bool
    acts_for: bool
    if_match: bool
    asks_pas: bool
    changes: bool
    finds: bool
    refusal: int
    query: tuple[Parameter, ...]
    headers: tuple[Parameter, ...]
    takes_file: bool
    produces: str
    name: str
    summary: str

    @property
    def is_extension(self) -> bool:
        """Return whether the real service lacks this operation."""
        return self.id.startswith("X")

    @property
    def fhir(self) -> Fhir:
        """Return the FHIR version of the operation."""
        return version_at(self.path)
