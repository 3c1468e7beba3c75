"""The collection for Bruno: a folder of files, one for each request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from openers.worlds.collections.requests import Chapter, Request
from openers.worlds.collections.scripts import REMEMBER, indented

FOLDER: Final = "bruno"
ABOUT: Final = {"version": "1", "name": "OpenERS", "type": "collection"}
_AFTER: Final = f"""\
const save = (name, value) => bru.setVar(name, value);
const location = res.getHeader("location");
const body = typeof res.getBody() === "object" && res.getBody() !== null ? res.getBody() : {{}};
{REMEMBER}"""


def bruno_files(chapters: Sequence[Chapter], base_url: str) -> Mapping[str, str]:
    """Return the files of the collection."""
    files = {
        f"{FOLDER}/bruno.json": json.dumps(ABOUT, indent=2) + "\n",
        f"{FOLDER}/collection.bru": _block("script:post-response", _AFTER),
        f"{FOLDER}/environments/local.bru": _block("vars", f"base_url: {base_url}\n"),
    }
    for at, chapter in enumerate(chapters, start=1):
        folder = f"{FOLDER}/{at:02} {chapter.title}"
        files[f"{folder}/folder.bru"] = _block("meta", f"name: {chapter.title}\nseq: {at}\n")
        for number, request in enumerate(chapter.requests, start=1):
            files[f"{folder}/{number:02} {_file_name(request)}.bru"] = "\n".join(_blocks(request, number))
    return files


def _file_name(request: Request) -> str:
    return request.title.replace(":", "")


def _blocks(request: Request, number: int) -> Iterator[str]:
    kind = "none" if request.body is None and request.text is None else "text" if request.body is None else "json"
    auth = "none" if request.token is None else "bearer"
    yield _block("meta", f"name: {_file_name(request)}\ntype: http\nseq: {number}\n")
    address = f"url: {{{{base_url}}}}{request.path}\nbody: {kind}\nauth: {auth}\n"
    yield _block(request.method.lower(), address)
    if request.headers:
        yield _block("headers", "".join(f"{name}: {value}\n" for name, value in request.headers.items()))
    if request.token is not None:
        yield _block("auth:bearer", f"token: {{{{{request.token}}}}}\n")
    if request.body is not None:
        yield _block("body:json", json.dumps(request.body, indent=2, ensure_ascii=False))
    if request.text is not None:
        yield _block("body:text", request.text)
    if request.path == "/_test/sessions":
        yield _block("script:post-response", f'bru.setVar("{request.name}", res.getBody().access_token);\n')
    check = f'test("returns {request.status}", () => expect(res.getStatus()).to.equal({request.status}));\n'
    yield _block("tests", check)
    yield _block("settings", "followRedirects: false\n")


def _block(name: str, content: str) -> str:
    return f"{name} {{\n{indented(content)}}}\n"
