"""Features of every command: version, JSON output, shell completion, and predictable output."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from openers.worlds.packs import pack_names
from tests.kit.run.command import PROGRAM, environment, openers, settings_in
from tests.kit.service.live import live
from tests.kit.service.running import GP, copied


def test_the_version_is_told() -> None:
    done = openers("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"openers {version('openers')}\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_and_options(shell: str) -> None:
    """The script from `--show-completion` calls the program to complete a word."""
    shown = openers("--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_OPENERS_COMPLETE" in shown.stdout, shown.stderr
    asked = {"bash": {"COMP_WORDS": "openers cl", "COMP_CWORD": "1"}}.get(shell, {"_TYPER_COMPLETE_ARGS": "openers cl"})
    more = {"_TYPER_COMPLETE_FISH_ACTION": "get-args"} if shell == "fish" else {}
    told = subprocess.run(
        [PROGRAM],
        env=environment({"_OPENERS_COMPLETE": f"complete_{shell}", **asked, **more}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "clock" in told.stdout, told.stderr


def test_completion_is_installed_where_the_shell_looks(tmp_path: Path) -> None:
    done = openers("--install-completion", "bash", HOME=str(tmp_path), _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert done.returncode == 0, done.stderr
    assert "_OPENERS_COMPLETE" in "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())


def test_the_first_start_says_once_that_it_migrates(tmp_path: Path) -> None:
    """The log reports the migration once, without the lines of the migration tool."""
    with live({"OPENERS_DATABASE_URL": f"sqlite:///{tmp_path / 'a.db'}", "OPENERS_LOG_FORMAT": "json"}) as service:
        log = service.log()
    assert log.count("database migrated") == 1
    assert "alembic" not in log


def test_results_are_printed_as_json(sqlite_template: Path, keys: Path, tmp_path: Path) -> None:
    """The JSON is one value in one line, with the same content as the text output."""
    settings = settings_in(keys, copied(sqlite_template, tmp_path))

    def told(*words: str, **more: str) -> object:
        done = openers(*words, "--json", **settings, **more)
        assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1), (words, done.stderr)
        return json.loads(done.stdout)

    assert told("world", "list") == list(pack_names())
    assert told("db", "migrate") == {"migrated": False}
    assert told("pas", "link", "11001", "http://127.0.0.1:1/fhir") == {
        "service": "11001",
        "pas": "http://127.0.0.1:1/fhir",
    }
    verified = told("audit", "verify")
    assert isinstance(verified, dict)
    with live(settings) as service:
        at = {"OPENERS_BASE_URL": service.base_url}
        token = told("token", "user", GP.user, **at)
        assert isinstance(token, dict)
        assert "access_token" in token
        worlds = told("world", "show", **at)
        assert isinstance(worlds, dict)
        assert "main" in json.dumps(worlds)
        clock = told("clock", "show", **at)
        assert isinstance(clock, dict)
        assert clock["running"] is True


def test_an_audit_that_holds_is_counted(sqlite_template: Path, keys: Path, tmp_path: Path) -> None:
    """The output contains the number of entries and blocks, and the heads for a later verification."""
    settings = settings_in(keys, copied(sqlite_template, tmp_path))
    done = openers("audit", "verify", **settings)
    counts, *lines = done.stdout.splitlines()
    heads = [line.removeprefix("head ") for line in lines]
    found = json.loads(openers("audit", "verify", "--json", **settings).stdout)
    assert counts == f"{found['entries']} entries in {found['blocks']} blocks, {found['waiting']} waiting to be sealed"
    assert found["entries"] >= found["blocks"] > 0
    assert heads == found["heads"]
    again = openers("audit", "verify", *(word for head in heads for word in ("--head", head)), **settings)
    assert again.returncode == 0


@pytest.mark.parametrize("words", [[], ["--days", "0"], ["--hours", "0", "--minutes", "0"]])
def test_a_clock_is_not_advanced_by_nothing(words: list[str]) -> None:
    done = openers("clock", "advance", *words, OPENERS_BASE_URL="http://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "give the time to advance by" in done.stderr


def test_the_first_page_leads_everywhere(sqlite_template: Path, tmp_path: Path) -> None:
    """Each link on the page returns 200."""
    with live(settings_in(tmp_path, copied(sqlite_template, tmp_path))) as service:
        page = httpx.get(f"{service.base_url}/")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        links = [part.partition('"')[0] for part in page.text.split('<a href="')[1:]]
        assert "/_test/" in links
        for link in links:
            assert httpx.get(urljoin(f"{service.base_url}/", link), follow_redirects=True).status_code == 200, link


def test_commands_ask_where_the_settings_say(sqlite_template: Path, tmp_path: Path) -> None:
    """Commands use the service at the configured port."""
    with live(settings_in(tmp_path, copied(sqlite_template, tmp_path))) as service:
        assert openers("clock", "show", OPENERS_PORT=str(service.port)).returncode == 0
        assert os.environ.get("OPENERS_PORT") is None
