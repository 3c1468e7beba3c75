"""`openers assurance check` on files and on a running service: text, JSON, JUnit, and the exit status."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import msgspec
import pytest
from typer.testing import CliRunner, Result

from openers.cli.main import app
from openers.testing import TestedService, WorldOfTest
from openers_assurance.report import DISCLAIMER
from tests.assurance.clients import Program, careless
from tests.assurance.traces import READ, exchanges

KEPT = exchanges([{**READ, "generation": "STU3"}])
BROKEN = exchanges([READ, {**READ, "status": 406}])


def _run(*words: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(app, ["assurance", "check", *words], input=stdin)


def _log(folder: Path, calls: list[Any]) -> str:
    path = folder / "log.ndjson"
    path.write_bytes(msgspec.json.Encoder().encode_lines(calls))
    return str(path)


@pytest.mark.parametrize(
    ("calls", "fail_on", "status"),
    [
        (KEPT, "not-met", 0),
        (KEPT, "not-seen", 1),
        (BROKEN, "not-met", 1),
        (BROKEN, "never", 0),
    ],
)
def test_the_exit_status_is_what_fail_on_says(tmp_path: Path, calls: list[Any], fail_on: str, status: int) -> None:
    """A breach fails the command, or a requirement that was not seen, or nothing."""
    result = _run(_log(tmp_path, calls), "--fail-on", fail_on)
    assert result.exit_code == status, result.output
    assert DISCLAIMER in result.output
    assert ("GTR-002 is not met" in result.output) == (status == 1 and calls is BROKEN)


def test_reports_name_the_call_and_the_reason(tmp_path: Path) -> None:
    """JSON and JUnit have each requirement; a breach has its call, its time and why it counts."""
    log = _log(tmp_path, BROKEN)
    told = msgspec.json.decode(_run(log, "--format", "json", "--fail-on", "never").output)
    row = next(each for each in told["requirements"] if each["id"] == "GTR-002")
    assert (told["disclaimer"], told["exchanges"], row["state"]) == (DISCLAIMER, 2, "not met")
    assert (row["breaches"][0]["request_id"], "406" in row["breaches"][0]["why"]) == ("r1", True)
    assert len(told["requirements"]) == 61
    output = tmp_path / "report.xml"
    assert _run(log, "--format", "junit", "--output", str(output)).exit_code == 1
    suite = fromstring(output.read_bytes())
    failed = {case.get("name", "").partition(" ")[0] for case in suite if case.find("failure") is not None}
    assert failed == {"GTR-002"}
    assert suite.get("tests") == "61"


def test_junit_has_only_characters_of_xml(tmp_path: Path) -> None:
    """A path may have any character; the report leaves out those that XML does not allow."""
    path = "/x/\x00\x1f\t\x7f\ud7ff\ue000\ufffd\ufffe\uffff\U0001f600/end"
    log = _log(tmp_path, exchanges([{**READ, "status": 406, "path": path}]))
    output = tmp_path / "report.xml"
    assert _run(log, "--format", "junit", "--output", str(output)).exit_code == 1
    (failure,) = fromstring(output.read_bytes()).iter("failure")
    assert "/x/\t\x7f\ud7ff\ue000\ufffd\U0001f600/end" in (failure.text or "")


def test_wrong_sources_are_named_in_one_line(tmp_path: Path) -> None:
    """A missing file, no exchange, a wrong line and a wrong HAR file end with 1 and say why."""
    (tmp_path / "a.har").write_text("{}")
    nested = "[" * 100_000
    entry: dict[str, Any] = {"startedDateTime": "2026-03-02T09:00:00Z", "time": 1e300, "response": {"status": 200}}
    entry["request"] = {"method": "GET", "url": "http://a/referrals/FHIR/STU3/CodeSystem/SPECIALTY"}
    (tmp_path / "long.har").write_bytes(msgspec.json.encode({"log": {"entries": [entry]}}))
    (tmp_path / "nested.har").write_text(f'{{"log": {{"entries": [], "creator": {nested}')
    for words, stdin, told in (
        ((str(tmp_path / "none"),), b"", "No such file"),
        (("-",), b"", "no exchange was found"),
        (("-",), b"x\n", "line 1 is no exchange"),
        ((str(tmp_path / "a.har"),), b"", "no HAR file"),
        ((_log(tmp_path, KEPT), "--caller", "other"), b"", "no exchange was found"),
        (("-",), b'{"ts":"2026-03-02T09:00:00Z","durationMs":1e300}', "line 1 has a time or a duration"),
        (("-",), b'{"ts":"2026-03-02T09:00:00Z","durationMs":-1}', "line 1 has a time or a duration"),
        (("-",), b'{"ts":"9999-12-31T23:59:59Z","durationMs":5000}', "line 1 has a time or a duration"),
        (("-",), b'{"ts":"0001-01-01T00:00:00+14:00","asid":"1"}', "line 1 has a time or a duration"),
        (("-",), b'{"ts":"2026-03-02T09:00:00Z","status":' + b"9" * 5000 + b"}", "line 1 is no exchange"),
        (("-",), b'{"ts":"2026-03-02T09:00:00Z","a":' + nested[:60_000].encode(), "line 1 is no exchange"),
        ((str(tmp_path / "long.har"),), b"", "entry 1 has a time or a duration"),
        ((str(tmp_path / "nested.har"),), b"", "no HAR file"),
    ):
        result = _run(*words, stdin=stdin)
        assert (result.exit_code, told in result.output, "Traceback" in result.output) == (1, True, False), (
            result.output
        )


def test_a_running_service_is_asked_for_its_log(tested: TestedService, world: WorldOfTest) -> None:
    """The command reads the log of the world at the address, and reports what the client has broken."""
    careless(world)
    result = _run(f"{tested.base_url}/w/{world.name}", "--caller", "demo-user-app")
    assert result.exit_code == 1, result.output
    assert "J-06 is not met" in result.output
    assert "A003-02 is not met" not in result.output  # the session of 2018 was that of an endpoint


def test_an_odd_character_in_a_call_ends_no_line(tested: TestedService, world: WorldOfTest) -> None:
    """Characters that some programs take for the end of a line are parts of a path, for the command and for a test."""
    assert Program(world).get("/STU3/Nothing%C2%85%E2%80%A8%E2%80%A9%0C%0D%0Aend").status == 404
    assert {row.id for row in world.assess() if row.kept} >= {"ERR-000"}
    result = _run(f"{tested.base_url}/w/{world.name}")
    assert "1 exchanges were assessed" in result.output, result.output
