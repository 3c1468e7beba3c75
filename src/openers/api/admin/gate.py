"""Resolve a request to an administrator, or refuse it.

The application must be registered to administer, also if a person uses it: otherwise the token of a person with
ERS_ADMIN from any application would open the administration.
"""

from __future__ import annotations

from typing import Final

from openers.api.gateway import Gateway, caller_of, check_allow_list, check_assurance, held_role
from openers.api.http.request import FUNCTION, ODS, Request, Stop
from openers.domain.administration.administrator import Administrator, Role
from openers.domain.administration.rights import FUNCTIONS
from openers.domain.directory import User
from openers.identity.access import TokenHolder
from openers.usecases.administration.refusals import NotAllowed
from openers.usecases.world import World
from openers.wire import problems

_ODS: Final = "NHSD-End-User-Organisation-ODS"
_FUNCTION: Final = "NHSD-eRS-Business-Function"


async def administrator_of(request: Request, gateway: Gateway, world: World) -> Administrator:
    """Return the caller, and record them in the audit entry. Raises Stop, NotAllowed."""
    caller = await caller_of(request, gateway, world)
    world.entry.application = caller.application.client_id
    if not caller.application.administers:
        cure = 'use an application that is registered with "administers": true'
        raise NotAllowed(f"{caller.application.client_id} is not registered to administer", "Authorization", cure)
    if not gateway.limit.admits(caller.application.client_id):
        raise Stop(problems.too_many_requests(retry_after_s=1))
    role = None if caller.user is None else _role(request, gateway, caller, caller.user)
    by = Administrator(caller.application.client_id, caller.application.asid or "", role)
    by.stamp(world.entry)
    return by


def _role(request: Request, gateway: Gateway, caller: TokenHolder, user: User) -> Role:
    """Return the role that the headers name. Raises Stop, NotAllowed."""
    check_assurance(caller)
    check_allow_list(request, gateway)
    organisation = request.header(ODS)
    if not organisation:
        raise Stop(problems.missing_header(_ODS))
    held = held_role(user, organisation, request.header(FUNCTION))
    if held is None or held[1] not in FUNCTIONS:
        cure = f"name {' or '.join(sorted(FUNCTIONS))}, and an organisation where the person has it, in {_ODS}"
        raise NotAllowed("the person does not have this business function there", _FUNCTION, cure)
    session = caller.grant.session
    return Role(user.id, held[0], held[1], "" if session is None else session.id)
