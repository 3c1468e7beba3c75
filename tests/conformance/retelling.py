"""Rewrites published bodies with the ids of one of the two worlds, also within references and role ids."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, cast

from tests.conformance.worlds import World, table
from tests.kit.service.running import PRACTICE, PROVIDER

from openers.domain.identifiers import NhsNumber, OdsCode, ServiceId, UserId

Json = dict[str, Any]

SERVICES: Final = "http://fhir.nhs.net/Id/ers-service"
PATIENTS: Final = "http://fhir.nhs.net/Id/nhs-number"
PEOPLE: Final = "http://fhir.nhs.net/Id/sds-user-id"
KEPT: Final = "a service of this world"
"""Temporary id system that marks ids already rewritten for this world."""
PLACES: Final[Mapping[str, str]] = {"REFERRING-CLINICIAN": PRACTICE, "SERVICE-PROVIDER-CLINICIAN": PROVIDER}
"""The organisation of each side of a conversation; published examples often have the same one on both sides."""
ROLE: Final = re.compile(rf"\b(\d{{12}})\.\w+\.({'|'.join(PLACES)})\b")


def retold(published: Json, world: World, services: Mapping[str, str]) -> Json:
    """Return a published body with ids of this world; `services` maps published services to demo services."""
    ids: Json = table()["ids"]
    text = json.dumps(published)
    for kind, system, of in (("Patient", PATIENTS, NhsNumber), ("Practitioner", PEOPLE, UserId)):
        for old, new in ids[system].items():
            text = re.sub(rf"\b{kind}-{old}\b", f"{kind}-{world.id(of, new)}", text)
    for old, new in services.items():
        told = f'"{KEPT}", "value": "{world.id(ServiceId, new)}"'
        text = text.replace(f'"{SERVICES}", "value": "{old}"', told)
    body = _placed(world.told(json.loads(text)), world)
    text = ROLE.sub(lambda found: _role(found, world), json.dumps(body))
    return dict[str, Any](json.loads(text.replace(KEPT, SERVICES)))


def _role(found: re.Match[str], world: World) -> str:
    user = world.id(UserId, table()["ids"][PEOPLE][found[1]])
    return f"{user}.{world.id(OdsCode, PLACES[found[2]])}.{found[2]}"


def _placed(node: Any, world: World) -> Any:
    """Set the organisation of each clinician's role to that of their side."""
    if isinstance(node, list):
        return [_placed(each, world) for each in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    told: Json = {name: _placed(value, world) for name, value in cast("Json", node).items()}
    if told.get("resourceType") == "PractitionerRole":
        function = told["code"][0]["coding"][0]["code"].replace("_", "-")
        told["organization"]["identifier"]["value"] = world.id(OdsCode, PLACES[function])
    return told
