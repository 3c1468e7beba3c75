"""The operations of the service: each declaration (`openers.api.operation`) with its handler.

Dispatch, roles, headers, CapabilityStatement and OpenAPI are derived from these declarations, never from code inside an
operation. Source: rules chapters 1.2, 2.5 and 14.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from openers.api.call import Handler
from openers.api.http.media import FHIR_JSON
from openers.api.operation import Operation, Parameter, Tag
from openers.domain.principal import BusinessFunction


class Endpoint(NamedTuple):
    """A declared operation and its handler."""

    operation: Operation
    handler: Handler


REGISTRY: Final[list[Endpoint]] = []
"""All operations, in the order of their files."""


def all_operations() -> tuple[Operation, ...]:
    """Return the declarations of all operations, in the order of their files."""
    return tuple(endpoint.operation for endpoint in REGISTRY)


def operation(
    number: str,
    method: str,
    path: str,
    *,
    operation_id: str,
    tags: tuple[Tag, ...],
    roles: frozenset[BusinessFunction] | None,
    response: str,
    audit: str,
    applications: frozenset[BusinessFunction] = frozenset(),
    deprecated: bool = False,
    success: int = 200,
    request: str | None = None,
    etag: bool = False,
    acts_for: bool = True,
    if_match: bool = False,
    asks_pas: bool = False,
    changes: bool = False,
    finds: bool = False,
    refusal: int = 422,
    query: tuple[Parameter, ...] = (),
    headers: tuple[Parameter, ...] = (),
    takes_file: bool = False,
    produces: str = FHIR_JSON,
) -> Callable[[Handler], Handler]:
    """Register the decorated handler as operation `number`. Its docstring's first line becomes the summary."""

    def _register(handler: Handler) -> Handler:
        declared = Operation(
            id=number,
            method=method,
            path=path,
            operation_id=operation_id,
            tags=tags,
            deprecated=deprecated,
            roles=roles,
            applications=applications,
            success=success,
            request=request,
            response=response,
            audit=audit,
            etag=etag,
            acts_for=acts_for,
            if_match=if_match,
            asks_pas=asks_pas,
            changes=changes or if_match or asks_pas,
            finds=finds or "{" in path,
            refusal=refusal,
            query=query,
            headers=headers,
            takes_file=takes_file,
            produces=produces,
            name=handler.__name__,
            summary=(handler.__doc__ or "").partition("\n")[0],
        )
        REGISTRY.append(Endpoint(declared, handler))
        return handler

    return _register
