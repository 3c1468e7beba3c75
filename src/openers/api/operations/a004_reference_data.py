"""A004: the six dynamic code systems with all codes, expired ones included. Source: rules chapters 4 (A004) and 5.1."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import GET, PROVIDER_APPLICATIONS, REFERRER_APPLICATIONS, Tag
from openers.api.registry import operation
from openers.domain.codes import CodeSystemName
from openers.domain.errors import Field, NotFound
from openers.domain.principal import CLINICIANS
from openers.wire.stu3.code_system import write_code_system


@operation(
    "A004",
    GET,
    "/STU3/CodeSystem/{codeSystemType}",
    operation_id="a004-retrieve-reference-data",
    tags=(Tag.REFER, Tag.ASK),
    roles=CLINICIANS,
    applications=PROVIDER_APPLICATIONS | REFERRER_APPLICATIONS,
    response="CodeSystem",
    audit="API Retrieve Reference Data",
    refusal=400,
)
async def retrieve_reference_data(call: Call) -> Reply:
    """Retrieve a code system with all its codes, effective or not."""
    name = call.path["codeSystemType"]
    if name not in set(CodeSystemName):
        raise NotFound(Field.CODE_SYSTEM, name)
    system = call.world.reference.code_system(CodeSystemName(name))
    return call.plain(
        call.renderings.of_release(
            f"{call.base} {system.name} {system.changed} {system.edition}", lambda: write_code_system(system, call.base)
        )
    )
