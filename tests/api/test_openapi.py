"""Our own OpenAPI document is valid and complete, and consists of named components.

`tests/kit/documents/own_openapi.py` compares every reply of every test with it.
"""

from __future__ import annotations

import builtins
import json
import keyword
import re
import typing
from collections.abc import Iterable, Iterator
from typing import Any, cast

import pytest
from jsonschema_rs import Draft202012Validator, meta
from tests.kit.documents.own_openapi import own
from tests.kit.service.running import GP, Running

from openers.api.examples import RECORDED_AT
from openers.api.openapi import openapi_document
from openers.api.operation import Operation
from openers.api.registry import all_operations
from openers.domain.file_types import EXTENSIONS
from openers.wire.r4.dialect import R4
from openers.wire.schemas import NAMED

Json = dict[str, Any]
STATEMENT = "CapabilityStatement"
TAKEN: set[str] = {
    *(*dir(builtins), *dir(typing), *keyword.kwlist),
    *("Array", "Blob", "Comment", "Date", "Document", "Element", "Error", "Event", "File", "FileList", "FormData"),
    *(
        "Function",
        "Headers",
        "Location",
        "Lock",
        "Map",
        "Node",
        "Notification",
        "Number",
        "Object",
        "Option",
        "Promise",
    ),
    *(
        "Range",
        "ReadableStream",
        "Record",
        "Request",
        "Response",
        "Selection",
        "Set",
        "String",
        "Symbol",
        "Text",
        "URL",
    ),
    *("Boolean", "Character", "Class", "Double", "Integer", "Iterable", "Long", "Module", "Package", "Process"),
    *("Runtime", "System", "Thread", "Void"),
    *("Action", "Attribute", "Buffer", "Console", "Convert", "Delegate", "Enum", "Guid", "Math", "Task", "Type", "Uri"),
    *("Data", "Optional", "Result"),
}
"""Names of Python, TypeScript, Java, C# and Swift themselves."""
TEXT: Json = {"type": "string", "minLength": 1}
REFERENCE: Json = {
    "type": "object",
    "properties": {"$ref": {"type": "string", "pattern": "^#/components/schemas/[A-Za-z0-9]+$"}},
    "required": ["$ref"],
    "additionalProperties": False,
}
FILE: Json = {"const": {"$ref": "#/components/schemas/FileContent"}}
EXAMPLES: Json = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {
        "type": "object",
        "properties": {"summary": TEXT, "value": True},
        "required": ["summary", "value"],
        "additionalProperties": False,
    },
}


def media(schema: Json) -> Json:
    """A media type with a schema and examples."""
    return {
        "type": "object",
        "properties": {"schema": schema, "examples": EXAMPLES},
        "required": ["schema"],
        "additionalProperties": False,
    }


CONTENT: Json = {
    "type": "object",
    "minProperties": 1,
    "properties": {
        "application/fhir+json": media(REFERENCE),
        **{media_type: media(FILE) for media_type in EXTENSIONS},
        "text/plain;charset=utf-8": {"const": {"schema": {"type": "string"}}},
    },
    "additionalProperties": False,
}
PARAMETER: Json = {
    "type": "object",
    "properties": {
        "name": TEXT,
        "in": {"enum": ["path", "query", "header"]},
        "required": {"type": "boolean"},
        "description": TEXT,
        "schema": {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        "example": {"type": "string"},
    },
    "required": ["name", "in", "description", "schema"],
    "if": {"properties": {"in": {"const": "path"}}},
    "then": {"properties": {"required": {"const": True}}, "required": ["required"]},
    "additionalProperties": False,
}
RESPONSE: Json = {
    "type": "object",
    "properties": {"description": TEXT, "content": CONTENT, "headers": {"type": "object"}},
    "required": ["description"],
    "additionalProperties": False,
}
OPERATION: Json = {
    "type": "object",
    "properties": {
        "operationId": {"type": "string", "pattern": "^[ax][0-9]{3}-[a-z&-]+$"},
        "summary": TEXT,
        "description": TEXT,
        "externalDocs": {
            "type": "object",
            "properties": {"url": {"type": "string", "pattern": "^http://openers.example/docs/"}},
            "required": ["url"],
            "additionalProperties": False,
        },
        "deprecated": {"const": True},
        "tags": {"type": "array", "items": TEXT, "minItems": 1},
        "parameters": {"type": "array", "items": PARAMETER, "uniqueItems": True},
        "requestBody": {
            "type": "object",
            "properties": {"required": {"const": True}, "content": CONTENT},
            "required": ["required", "content"],
            "additionalProperties": False,
        },
        "responses": {
            "type": "object",
            "patternProperties": {"^[2-5][0-9]{2}$": RESPONSE},
            "additionalProperties": False,
            "minProperties": 2,
        },
    },
    "required": [
        "operationId",
        "summary",
        "description",
        "externalDocs",
        "tags",
        "parameters",
        "responses",
    ],
    "additionalProperties": False,
}
DOCUMENT: Json = {
    "type": "object",
    "properties": {
        "openapi": {"const": "3.1.0"},
        "info": {
            "type": "object",
            "properties": {
                "title": TEXT,
                "version": TEXT,
                "description": TEXT,
                "contact": {"type": "object", "required": ["name", "url"]},
                "license": {"type": "object", "required": ["name"], "not": {"required": ["identifier", "url"]}},
            },
            "required": ["title", "version"],
        },
        "servers": {"type": "array", "items": {"type": "object", "properties": {"url": TEXT}, "required": ["url"]}},
        "externalDocs": {"type": "object", "required": ["description", "url"]},
        "security": {"const": [{"bearer": []}]},
        "tags": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": TEXT, "description": TEXT},
                "required": ["name", "description"],
                "additionalProperties": False,
            },
        },
        "paths": {
            "type": "object",
            "propertyNames": {"pattern": "^/(STU3|R4)/"},
            "additionalProperties": {
                "type": "object",
                "propertyNames": {"enum": ["get", "head", "post", "put"]},
                "additionalProperties": OPERATION,
            },
        },
        "components": {
            "type": "object",
            "properties": {
                "schemas": {"type": "object", "propertyNames": {"pattern": "^[A-Z][A-Za-z0-9]*$"}},
                "securitySchemes": {"const": {"bearer": {"type": "http", "scheme": "bearer"}}},
            },
            "required": ["schemas", "securitySchemes"],
            "additionalProperties": False,
        },
    },
    "required": ["openapi", "info", "servers", "security", "paths", "components"],
    "additionalProperties": False,
}
"""The requirements of OpenAPI 3.1.0, and our own rule that schemas are used only by name."""


def references(node: Any) -> Iterator[str]:
    """Yield the names of all referenced components."""
    if isinstance(node, dict):
        found = cast("Json", node)
        if isinstance(found.get("$ref"), str):
            yield found["$ref"].rpartition("/")[2]
        for each in found.values():
            yield from references(each)
    elif isinstance(node, list):
        for each in cast("list[Any]", node):
            yield from references(each)


def inner(schema: Json) -> Iterator[Json]:
    """Yield the schemas within a schema."""
    for each in (*schema.get("properties", {}).values(), *schema.get("anyOf", ())):
        yield each
        yield from inner(each)
    if "items" in schema:
        yield schema["items"]
        yield from inner(schema["items"])


def test_document_is_well_formed() -> None:
    """The document satisfies OpenAPI 3.1 and names each schema."""
    errors = Draft202012Validator(DOCUMENT).iter_errors(openapi_document("http://openers.example"))
    assert not [f"{'/'.join(map(str, each.instance_path))}: {each.message}" for each in errors]


@pytest.mark.parametrize("name", sorted(NAMED))
def test_components_are_schemas(name: str) -> None:
    """Every component is a valid JSON Schema in the dialect of OpenAPI 3.1."""
    meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **NAMED[name]})
    assert list(own().body_faults(name, 1)), "a number is an instance of none"


def test_references_lead_somewhere() -> None:
    """Every reference has a component, and every component except one is referenced."""
    document = openapi_document("http://openers.example")
    used = set(
        references({"paths": document["paths"], "of them": [NAMED[name] for name in NAMED if name != STATEMENT]})
    )
    assert used <= NAMED.keys()
    alone = {name for name in NAMED.keys() - used if not name.startswith(STATEMENT)}
    assert not alone, "and /metadata, which needs no token, is no operation"


def test_every_object_and_list_of_codes_is_a_component() -> None:
    """Generators make a type of each. They guess the names of others, and number those that they guess twice."""
    within = [each for schema in NAMED.values() for each in inner(schema)]
    assert not [each for each in within if "properties" in each or "enum" in each]
    assert not [each for each in (*within, *NAMED.values()) if each.get("type") == "array" and "items" not in each]
    assert not [
        each for each in (*within, *NAMED.values()) if "type" not in each and not {"$ref", "anyOf"} & each.keys()
    ]


@pytest.mark.parametrize("name", sorted(NAMED))
def test_no_name_belongs_to_a_language(name: str) -> None:
    """A type `File` or `Task` would hide one that generated code uses."""
    assert name not in TAKEN


def test_every_operation_is_in_it() -> None:
    """The document contains each operation once, with its parameters, body and success status."""
    paths = openapi_document("http://openers.example")["paths"]
    described = [operation for item in paths.values() for operation in item.values()]
    assert len(described) == len(all_operations())
    assert len({each["operationId"] for each in described}) == len(described)
    for operation in all_operations():
        found = paths[operation.path][operation.method.lower()]
        assert found["summary"].startswith(f"{operation.id}: ")
        assert str(operation.success) in found["responses"]
        assert ("requestBody" in found) == (operation.request is not None or operation.takes_file)
        named = {each["name"] for each in found["parameters"] if each["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", operation.path))


@pytest.mark.parametrize(
    ("number", "absent"),
    [
        ("A004", {"422"}),
        ("A015", {"404", "422"}),
        ("A025", {"422"}),
        ("A029", {"404", "422"}),
        ("A030", {"404", "422"}),
        ("A035", {"404", "422"}),
        ("A039", {"404", "422"}),
        ("A042", {"406"}),
        ("A044", {"404"}),
    ],
)
def test_statuses_that_never_occur_are_not_in_it(number: str, absent: set[str]) -> None:
    """Their rules have no such reply, and no reply of any test has them."""
    operation = next(each for each in all_operations() if each.id == number)
    described = openapi_document("http://openers.example")["paths"][operation.path][operation.method.lower()]
    assert {"404", "406", "422"} & described["responses"].keys() == {"404", "406", "422"} - absent


def test_refusals_without_a_body_promise_none() -> None:
    """A generated client would read it. In STU3 the gateway sends them; in R4 they have an OperationOutcome."""
    paths = openapi_document("http://openers.example")["paths"]
    for operation in all_operations():
        replies = paths[operation.path][operation.method.lower()]["responses"]
        assert {"content" in replies[status] for status in ("401", "429")} == {operation.fhir is R4}


def bodies(described: Json) -> Iterator[Json]:
    """The contents, by media type, of an operation's request and of its success."""
    success = next(reply for status, reply in described["responses"].items() if status < "400")
    return (each["content"] for each in (described.get("requestBody", {}), success) if "content" in each)


@pytest.mark.parametrize("operation", all_operations(), ids=lambda each: f"{each.id} {each.path}")
def test_bodies_have_an_example_that_is_valid(operation: Operation) -> None:
    """By the schema that stands beside it."""
    described = openapi_document("http://openers.example")["paths"][operation.path][operation.method.lower()]
    for content in bodies(described):
        shown = [(media["schema"], each["value"]) for media in content.values() for each in examples(media)]
        assert len(shown) == 1
        for schema, value in shown:
            assert not list(own().body_faults(schema["$ref"].rpartition("/")[2], value))


def examples(media: Json) -> Iterable[Json]:
    """The examples of a media type."""
    return media.get("examples", {}).values()


@pytest.mark.parametrize("operation", all_operations(), ids=lambda each: f"{each.id} {each.path}")
def test_required_parameters_have_an_example(operation: Operation) -> None:
    described = openapi_document("http://openers.example")["paths"][operation.path][operation.method.lower()]
    required = [each for each in described["parameters"] if each.get("required")]
    assert [each["name"] for each in required if "example" not in each] == []


def test_a_parameter_with_known_values_lists_them() -> None:
    """Otherwise a converter fills in any text, which is refused."""
    paths = openapi_document("http://openers.example")["paths"]
    for operation in all_operations():
        shown = {each["name"]: each["schema"] for each in paths[operation.path][operation.method.lower()]["parameters"]}
        assert all(shown[each.name].get("enum", []) == list(each.values) for each in operation.query)


def test_examples_name_the_service_that_shows_them() -> None:
    document = json.dumps(openapi_document("http://openers.example/referrals/FHIR"))
    assert RECORDED_AT not in document
    assert "http://openers.example/referrals/FHIR/STU3/CodeSystem/SPECIALTY" in document


@pytest.mark.anyio
async def test_it_is_served(service: Running) -> None:
    """The document can be fetched without a token and describes this service."""
    reply = await service.pages().get("/referrals/openapi.json")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json() == openapi_document(service.service.settings.fhir_base_url)


@pytest.mark.anyio
async def test_a_reply_that_is_not_as_described_is_found(service: Running) -> None:
    """The comparison detects a body, a status and a media type that differ from the document."""
    client = await service.as_person(GP)
    reply = await client.get("/STU3/CodeSystem/PRIORITY")
    assert not list(own().faults(reply.request, reply))
    reply.status_code = 418
    assert [each.check for each in own().faults(reply.request, reply)] == ["status"]
    reply.status_code = 404
    assert {each.check for each in own().faults(reply.request, reply)} == {"body"}
    reply.headers["content-type"] = "text/html"
    assert [each.check for each in own().faults(reply.request, reply)] == ["media"]
