"""Other people's runners send the examples of the document, each to a world in which it succeeds."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx

from openers.api.registry import all_operations
from openers.testing import TestedService
from tests.generated.prepared import TENANT, Headers, by_summary, copied, summary_of
from tests.generated.tools import Tools
from tests.kit.documents.own_openapi import own

CHECKS: Final = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)
HOOK: Final = '''"""The header is for one role only, and the document has no example of it; schemathesis fills it in."""
import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    case.headers.pop("NHSD-eRS-On-Behalf-Of-User-ID", None)
'''


def configuration(headers: dict[str, Headers]) -> str:
    """Return the configuration of schemathesis that sends each operation to its world."""
    parts = ['seed = 1\nhooks = "hooks"\n[phases.examples]\nfill-missing = false']
    for operation, sent in headers.items():
        pairs = ", ".join(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in sent.items())
        parts.append(f"[[operations]]\ninclude-operation-id = {json.dumps(operation)}\nheaders = {{ {pairs} }}")
    return "\n".join(parts)


def test_schemathesis_succeeds_with_an_example_of_every_operation(
    tools: Tools, served: TestedService, worlds: dict[str, Headers], record_property: Callable[[str, object], None]
) -> None:
    headers = asyncio.run(copied(served.base_url, worlds, "schemathesis"))
    (tools.folder / "st.toml").write_text(configuration(headers))
    (tools.folder / "hooks.py").write_text(HOOK)
    address = f"{served.base_url}/referrals/openapi.json"
    words = ["--config-file", "st.toml", "run", address, "--phases", "examples", "--checks", CHECKS]
    environment = {"PYTHONPATH": str(tools.folder)}
    tools.python("schemathesis", *words, "--report", "har", "--report-dir", "report", environment=environment)
    [report] = (tools.folder / "report").iterdir()
    entries: list[Any] = json.loads(report.read_text("utf-8"))["log"]["entries"]
    succeeded = {world_of(each["request"]) for each in entries if each["response"]["status"] < 400}
    assert succeeded == {sent[TENANT] for sent in headers.values()}
    record_property(
        "figure", f"schemathesis: {len(succeeded)} of {len(all_operations())} operations, {len(entries)} calls"
    )


def world_of(request: Any) -> str:
    """Return the world that a recorded request names."""
    return next(each["value"] for each in request["headers"] if each["name"].lower() == TENANT.lower())


def test_every_request_of_the_postman_collection_is_answered_as_described(
    tools: Tools, served: TestedService, worlds: dict[str, Headers], record_property: Callable[[str, object], None]
) -> None:
    headers = by_summary(asyncio.run(copied(served.base_url, worlds, "newman")))
    (tools.folder / "headers.json").write_text(json.dumps(headers))
    script = Path(__file__).with_name("newman.mjs")
    tools.node(str(script), str(tools.packages.parent), "ers.json", "headers.json", "replies.json")
    replies: list[Any] = json.loads((tools.folder / "replies.json").read_text("utf-8"))
    wanted = {summary_of(each): each.success for each in all_operations()}
    assert {each["name"]: each["status"] for each in replies} == wanted
    for each in replies:
        request = httpx.Request(each["method"], each["url"])
        reply = httpx.Response(
            each["status"], headers=each["headers"], content=b64decode(each["body"]), request=request
        )
        assert not [str(fault) for fault in own().faults(request, reply)]
    record_property("figure", f"openapi-to-postmanv2 and newman: {len(replies)} of {len(wanted)} operations")
