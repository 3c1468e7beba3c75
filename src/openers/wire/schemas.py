"""Every JSON schema of our OpenAPI document."""

from __future__ import annotations

from typing import Final

from openers.wire.naming import named
from openers.wire.r4 import schemas as r4
from openers.wire.shapes import INSTANT, TEXT, Schema, array, code, const, thing
from openers.wire.stu3 import schemas as stu3

_CAPABILITY_STATEMENT: Final = thing(
    {
        "resourceType": const("CapabilityStatement"),
        "status": const("active"),
        "date": INSTANT,
        "kind": const("instance"),
        "fhirVersion": TEXT,
        "format": array(TEXT, least=1),
        "rest": array(thing({"mode": const("server")}, {"resource": array(thing({"type": TEXT}))}), least=1),
    },
    {"publisher": TEXT, "acceptUnknown": code(["no"])},
    "The capabilities of the service in one version of FHIR.",
)

_FILE: Final[Schema] = {"type": "string", "format": "binary", "description": "The bytes of a file."}

COMPONENTS: Final[dict[str, Schema]] = dict(
    sorted(
        {**stu3.COMPONENTS, **r4.COMPONENTS, "CapabilityStatement": _CAPABILITY_STATEMENT, "FileContent": _FILE}.items()
    )
)
"""The schemas of requests and replies, by name."""
NAMED: Final[dict[str, Schema]] = named(COMPONENTS)
"""The same with a name for every object inside: the document's `components/schemas`."""
