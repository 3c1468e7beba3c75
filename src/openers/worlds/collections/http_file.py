"""The `.http` file, for the HTTP clients of editors and for httpyac, with its environment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from openers.worlds.collections.requests import Chapter, Request
from openers.worlds.collections.scripts import REMEMBER, indented


def http_files(chapters: Sequence[Chapter], base_url: str) -> Mapping[str, str]:
    """Return the file and its environment."""
    requests = [written(request) for chapter in chapters for request in chapter.requests]
    environment = {"local": {"base_url": base_url}}
    return {
        "http/openers.http": "\n".join(requests),
        "http/http-client.env.json": json.dumps(environment, indent=2) + "\n",
    }


def written(request: Request) -> str:
    """Return one request with its script."""
    return "\n".join((*_lines(request), *_script(request), ""))


def _lines(request: Request) -> Iterator[str]:
    yield f"### {request.title}"
    if request.status in range(300, 400):
        yield "# @no-redirect"
    yield f"{request.method} {{{{base_url}}}}{request.path}"
    if request.token is not None:
        yield f"Authorization: Bearer {{{{{request.token}}}}}"
    yield from (f"{name}: {value}" for name, value in request.headers.items())
    if request.body is not None:
        yield f"\n{json.dumps(request.body, indent=2, ensure_ascii=False)}"
    if request.text is not None:
        yield f"\n{request.text}"


def _script(request: Request) -> Iterator[str]:
    yield "\n> {%"
    yield f'  client.test("returns {request.status}", () => client.assert(response.status === {request.status}));'
    yield "  const save = (name, value) => client.global.set(name, value);"
    if request.path == "/_test/sessions":
        yield f'  save("{request.name}", response.body.access_token);'
    elif request.token is not None:
        yield '  const location = response.headers.valueOf("Location");'
        yield '  const body = typeof response.body === "object" && response.body !== null ? response.body : {};'
        yield indented(REMEMBER).rstrip("\n")
    yield "%}"
