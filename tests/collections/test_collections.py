"""The request collections are up to date, complete, served with the service's addresses, and run without a failure."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from openers.api.registry import all_operations
from openers.testing import TestedService
from openers.worlds.collections import collection_files
from openers.worlds.collections.walk import walk
from tests.kit.examples.collections import found, wanted
from tests.kit.run.npm import npm_programs
from tests.kit.service.polled import polled_service

COMMAND = ".venv/bin/python -m tests.kit.examples.collections"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Generator[TestedService]:
    """Provide a service on a free port, whose PAS has been polled."""
    with polled_service(tmp_path_factory.mktemp("collections")) as made:
        yield made


def fetched(service: TestedService, name: str) -> bytes:
    reply = httpx.get(f"{service.base_url}/_test/collections/{name}")
    assert reply.status_code == 200
    assert name in reply.headers["content-disposition"]
    return reply.content


def test_the_folder_is_up_to_date() -> None:
    assert found() == wanted(), f"run {COMMAND}"


def test_the_walk_makes_a_request_of_every_operation() -> None:
    names = {request.name.partition("-")[0] for chapter in walk() for request in chapter.requests}
    assert {each.id.lower() for each in all_operations()} <= names


def test_the_service_fills_in_its_own_address(service: TestedService) -> None:
    files = collection_files(service.base_url)
    listed = httpx.get(f"{service.base_url}/_test/collections").json()["collections"]
    assert f"{service.base_url}/_test/collections/postman.json" in listed
    assert fetched(service, "postman.json").decode() == files["postman/collection.json"]
    assert service.base_url in fetched(service, "postman-environment.json").decode()
    assert fetched(service, "openers.http").decode() == files["http/openers.http"]
    assert json.loads(fetched(service, "http-client.env.json")) == {"local": {"base_url": service.base_url}}
    with zipfile.ZipFile(io.BytesIO(fetched(service, "bruno.zip"))) as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == {
            path: text for path, text in files.items() if path.startswith("bruno/")
        }


@pytest.mark.needs("node", "npm")
def test_newman_runs_every_request(service: TestedService, tmp_path: Path) -> None:
    for name in ("postman.json", "postman-environment.json"):
        (tmp_path / name).write_bytes(fetched(service, name))
    words = ["run", "postman.json", "-e", "postman-environment.json", "-r", "json"]
    told = ran("newman", [*words, "--reporter-json-export", "told.json"], tmp_path)
    run = json.loads((tmp_path / "told.json").read_text())["run"]
    assert run["failures"] == [], told
    assert run["stats"]["requests"]["total"] == run["stats"]["assertions"]["total"] == number_of_requests()


@pytest.mark.needs("node", "npm")
def test_bruno_runs_every_request(service: TestedService, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(fetched(service, "bruno.zip"))) as archive:
        archive.extractall(tmp_path)
    words = ["run", "--env", "local", "-r", "--sandbox=developer", "--reporter-json", "told.json"]
    told = ran("bru", words, tmp_path / "bruno")
    (summary,) = [each["summary"] for each in as_list(json.loads((tmp_path / "bruno/told.json").read_text()))]
    assert (summary["totalRequests"], summary["passedRequests"]) == (number_of_requests(),) * 2, told
    assert (summary["totalTests"], summary["passedTests"]) == (number_of_requests(),) * 2, told


def number_of_requests() -> int:
    return sum(len(chapter.requests) for chapter in walk())


def as_list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def ran(program: str, words: list[str], folder: Path) -> str:
    """Run a program of npm in a folder; return what it printed. It must succeed."""
    command = [str(npm_programs("api-clients") / program), *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    return told
