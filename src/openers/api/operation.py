"""What an operation declares: its address, who may call it, what it takes and answers.

Dispatch, roles, headers, CapabilityStatement and OpenAPI follow from it. `openers.api.registry` lists all of them
with their handlers. Source: rules chapters 1.2, 2.5 and 14.
"""

from __future__ import annotations

from typing import Final

import msgspec

from openers.domain.principal import BusinessFunction
from openers.wire.dialect import Fhir
from openers.wire.versions import version_at

GET: Final = "GET"
HEAD: Final = "HEAD"
ANY: Final = "*/*"
"""What an operation produces that gives back a file as it is."""
POST: Final = "POST"
PUT: Final = "PUT"
PROVIDER_APPLICATIONS: Final = frozenset({BusinessFunction.PROVIDER_AUTHORISED_APPLICATION})
REFERRER_APPLICATIONS: Final = frozenset({BusinessFunction.REFERRER_AUTHORISED_APPLICATION})


class Parameter(msgspec.Struct, frozen=True):
    """A query parameter or a header, as documentation shows it.

    `type` is that of a FHIR search parameter; `_include` has none, but `values`: all that it takes.
    """

    name: str
    required: bool
    description: str
    type: str = "token"
    values: tuple[str, ...] = ()


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation.

    `roles` are the people's functions that may call it, `None` for everybody who is logged in, without organisation
    and function headers (A030). An SPCA must say whom they act for, unless `acts_for` is off (A040).
    `applications` are the functions of application-restricted callers that may call it.
    `if_match` asks for the version that is changed; `asks_pas` may end in what a PAS does wrong; `changes` may meet
    somebody else at the same record, as those two do; `refusal` is the STU3 status of a field that breaks a rule.
    `request` and `response` name schemas of our OpenAPI; `audit` is the published audit type. `takes_file`: the body
    is a file, which the operation itself reads from the call. `produces` is the media type of a reply; a file's own
    type, which the operation checks against Accept, is `ANY`. A reply with an empty `response` is its Location alone.
    `headers` are those that no other operation has.
    """

    id: str
    method: str
    path: str
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
    refusal: int
    query: tuple[Parameter, ...]
    headers: tuple[Parameter, ...]
    takes_file: bool
    produces: str
    name: str
    summary: str

    @property
    def is_extension(self) -> bool:
        """Whether the real service has no such operation."""
        return self.id.startswith("X")

    @property
    def fhir(self) -> Fhir:
        """The FHIR version that it speaks."""
        return version_at(self.path)
