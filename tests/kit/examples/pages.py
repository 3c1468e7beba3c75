"""The generated parts of `docs/operations`: who may call an operation, and its example for curl, Python and editors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from openers.api import operations  # registers every operation
from openers.api.examples import Example, Reply, example_of
from openers.api.operation import HEAD, Operation
from openers.api.registry import all_operations
from openers.domain.principal import BusinessFunction
from tests.kit.examples.layout import laid_out
from tests.kit.examples.python_calls import http_of, python_of
from tests.kit.run.project import ROOT

__all__ = ["FOLDER", "generated", "operations", "write_pages"]

FOLDER: Final = ROOT / "docs/operations"
PART: Final = re.compile(r"(?s)(<!-- generated: (call|example) -->\n).*?(<!-- end -->)")
LONGEST: Final = 60
"""How many lines of a reply a page shows."""
BASE: Final = "http://127.0.0.1:8000/referrals/FHIR"
BEFORE: Final = "`make run` starts the service; the [tutorial](../tutorial/first-referral.md) explains the steps."
"""The sentence that says how a reader gets a service to try the example."""
PYTHON: Final = "The same call with the [Python client](../how-to/use-the-python-client.md):"
HTTP: Final = (
    "The same call in a [`.http` file](../how-to/use-request-collections.md), with the access token in `token`:"
)
APPLICATIONS: Final = {
    BusinessFunction.PROVIDER_AUTHORISED_APPLICATION: "provider",
    BusinessFunction.REFERRER_AUTHORISED_APPLICATION: "referrer",
}


def write_pages() -> None:
    """Write the generated parts of all pages."""
    for path in sorted(FOLDER.glob("*.md")):
        path.write_text(generated(path), "utf-8")


def generated(path: Path) -> str:
    """Return a page with its generated parts as they are to be."""
    described = [each for each in all_operations() if each.id.lower() == path.stem]
    parts = {"call": _table(described), "example": _example(described[0], example_of(described[0]))}
    return PART.sub(lambda found: f"{found[1]}\n{parts[found[2]]}\n\n{found[3]}", path.read_text("utf-8"))


def _table(described: list[Operation]) -> str:
    first = described[0]
    calls = ", ".join(f"`{each.method} {each.path}`" for each in described)
    people = ", ".join(sorted(first.roles)) if first.roles is not None else "everybody who is logged in"
    kinds = " and ".join(sorted(APPLICATIONS[each] for each in first.applications))
    rows = {
        "call": calls,
        "people": people,
        "applications": f"{kinds} applications" if kinds else "no",
        "success": ", ".join((str(first.success), _body(first), *_headers(first))),
    }
    return "\n".join(("| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows.items())))


def _body(operation: Operation) -> str:
    """Name the body of a success."""
    reply = example_of(operation).reply
    if operation.method == HEAD or not operation.response:
        return "no body"
    if reply.body is None:
        return (
            "the file" if operation.response == "FileContent" and reply.text is not None else f"`{operation.produces}`"
        )
    held = {each["resource"]["resourceType"] for each in reply.body.get("entry", []) if "resource" in each}
    kind = f"`{reply.body['resourceType']}`"
    return f"{kind} of {' and '.join(f'`{each}`' for each in sorted(held))}" if held else kind


def _headers(operation: Operation) -> Iterator[str]:
    shown = example_of(operation).reply.headers
    return (f"`{name}`" for name in ("ETag", "Location", "Content-Disposition") if name in shown)


def _example(operation: Operation, example: Example) -> str:
    runs = "" if example.needs else " run"
    needs = f" The request needs {example.needs}: replace the ids and the version with yours." if example.needs else ""
    curl = f"```sh{runs}\n{_curl(example)}\n```"
    python = f"{PYTHON}\n\n```python\n{python_of(operation, example)}\n```"
    http = f"{HTTP}\n\n```text\n{http_of(operation, example)}\n```"
    return "\n\n".join((f"{example.title}.{needs} {BEFORE}", curl, _reply(example.reply), python, http))


def _curl(example: Example) -> str:
    """Return the request as commands for bash, with a token of the caller."""
    has_body = example.body is not None or example.text is not None
    implied = "POST" if has_body else "GET"
    options = ["-I"] if example.method == HEAD else ["-i"] if _has_no_body(example.reply) else []
    options += [] if example.method in (implied, HEAD) else [f"-X {example.method}"]
    options += ["-OJ"] if "pdf" in example.reply.headers.get("Content-Type", "") else []
    lines = [" ".join(("curl -sS --fail-with-body", *options)), '-H "Authorization: Bearer $TOKEN"']
    lines += [f"-H '{name}: {value}'" for name, value in example.headers.items()]
    if example.text is not None:
        lines.append(f"--data-binary '{example.text}'")
    if example.body is not None:
        lines.append("--data @-")
    lines.append(f"'{BASE}{example.path}'")
    log_in = f"TOKEN=$(.venv/bin/openers token user {example.user})"
    command = " \\\n  ".join(lines)
    body = "" if example.body is None else f" <<'END'\n{laid_out(example.body)}\nEND"
    return f"{log_in}\n{command}{body}"


def _has_no_body(reply: Reply) -> bool:
    return reply.body is None and reply.text is None and "Content-Type" not in reply.headers


def _reply(reply: Reply) -> str:
    """Return the reply: status, headers and body, shortened if that is long."""
    headers = [f"{name}: {value}" for name, value in reply.headers.items()]
    head = "\n".join(("The reply:", "", "```text", f"HTTP/1.1 {reply.status}", *headers, "```"))
    if reply.text is not None:
        return f"{head}\n\n```text\n{reply.text}\n```"
    if reply.body is None:
        return head
    lines = laid_out(reply.body).splitlines()
    left = len(lines) - LONGEST
    if left > 0:
        lines = [*lines[:LONGEST], f"// {left} more lines: the example in /referrals/openapi.json is complete"]
    return "\n".join((head, "", "```json", *lines, "```"))
