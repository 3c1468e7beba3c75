"""Each check finds its faults, accepts correct code, and has no finding in the tree."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.checks import catalogue, examples, logcalls, moments, purity, shape, wording
from tests.checks.source import Check, Finding, Source, run, texts

Find = Callable[[Source], Iterable[Finding]]

FOUND: tuple[tuple[Find, str], ...] = (
    (purity.clocks_and_ids, "from datetime import datetime as d\nd.now()"),
    (purity.clocks_and_ids, "import datetime\ndatetime.datetime.now(datetime.UTC)"),
    (purity.clocks_and_ids, "from datetime import date\ndate.today()"),
    (purity.clocks_and_ids, "import time as t\nt.time()"),
    (purity.clocks_and_ids, "from uuid import uuid4\nfield(default_factory=uuid4)"),
    (purity.clocks_and_ids, "import random\nrandom.random()"),
    (purity.statuses, "raise Refusal(422)"),
    (purity.statuses, "from http import HTTPStatus"),
    (purity.statuses, "@operation('A010', failure=404)\ndef f(): ..."),
    (purity.side_tasks, "import asyncio\nasyncio.create_task(work())"),
    (purity.side_tasks, "group.create_task(work())"),
    (purity.side_tasks, "from asyncio import ensure_future\nensure_future(work())"),
    (logcalls.composed_messages, "log.info(f'{ubrn} created')"),
    (moments.uncut_instants, "assert before <= datetime.now(UTC)"),
    (moments.uncut_instants, "def test_f():\n    before = datetime.now(UTC)\n    assert before + WEEK <= kept"),
    (logcalls.composed_messages, "self._log.warning('%s created' % ubrn)"),
    (logcalls.composed_messages, "structlog.get_logger().error('{} gone'.format(ubrn))"),
    (logcalls.composed_messages, "logger.info('created', who='user ' + name)"),
    (shape.sizes, "\n" * shape.FILE_LINES + "x = 1"),
    (shape.sizes, "def f() -> None:\n" + "    x = 1\n" * shape.FUNCTION_LINES),
    (shape.sizes, "def f(a, b, c, *, d, e, f): ..."),
    (shape.docstrings, "x = 1"),
    (shape.docstrings, '"""M."""\ndef f() -> None: ...'),
    (shape.docstrings, '"""M."""\nclass C:\n    """C."""\n    def f(self) -> None: ...'),
    (shape.return_types, "def f(): ..."),
    (shape.return_types, "def f() -> None:\n    async def _g(): ..."),
    (shape.silencers, "x = 1  # type: " + "ignore"),
    (shape.silencers, "x = 1  # pyright: " + "ignore[reportPrivateUsage]"),
    (shape.silencers, "x = 1  # no" + "qa: S105, E501"),
    (wording.unwelcome, "see https://py" + "pi.org/simple"),
    (wording.unwelcome, "cat /root" + "/.netrc"),
    (wording.unwelcome, "written by a language " + "model"),
    (wording.unwelcome, "see iss" + "ue 7"),
    (wording.unwelcome, "a help" + "er for dates"),
    (examples.borrowed(frozenset({"000000000012"})), 'if ubrn == "000000000012": ...'),
    (examples.borrowed(frozenset({"2031-05-06"})), "# as on 2031-05-06"),
    (examples.borrowed(frozenset({"X99"})), "ODS = 'X99'"),
)

LEFT_ALONE: tuple[tuple[Find, str], ...] = (
    (purity.clocks_and_ids, "from datetime import datetime\ndatetime.fromisoformat(text)\nworld.clock.now()"),
    (purity.clocks_and_ids, "import time\ntime.perf_counter()"),
    (purity.statuses, "@operation('A011', success=201)\ndef f(): ...\nlongest = 200"),
    (purity.statuses, "@operation('A015', refusal=400)\ndef f(): ..."),
    (purity.side_tasks, "await gather(*work)"),
    (logcalls.composed_messages, "log.info('referral_created', ubrn=ubrn)\nmath.log(f'{x}')"),
    (moments.uncut_instants, "def f():\n    start = datetime.now(UTC)\n    return start\nassert now() <= kept"),
    (shape.sizes, "@app.command()\ndef serve(a, b, c, d, e, f): ..."),
    (shape.sizes, "class C:\n    def f(self, a, b, c, d, e): ..."),
    (shape.docstrings, '"""M."""\ndef _f(): ...\nclass _C: ...'),
    (shape.return_types, "def f() -> None: ..."),
    (shape.silencers, "x = 1  # no" + "qa: S105 - the name of a kind of token"),
    (shape.silencers, "x = '# type: " + "ignore'"),
    (wording.unwelcome, "the User-Agent header, an OperationOutcome issue, the Identity Agent"),
    (examples.borrowed(frozenset({"12345"})), "1234567 1234 12345678"),
)


@pytest.mark.parametrize(("find", "text"), FOUND)
def test_finds_what_it_is_for(find: Find, text: str) -> None:
    assert list(find(Source("planted.py", text)))


@pytest.mark.parametrize(("find", "text"), LEFT_ALONE)
def test_leaves_the_rest_alone(find: Find, text: str) -> None:
    assert [str(each) for each in find(Source("planted.py", text))] == []


def test_a_module_of_tests_need_only_say_what_it_is_about() -> None:
    functions = "def test_f(): ...\ndef service(): ...\n"
    assert list(shape.docstrings(Source("tests/api/test_f.py", f'"""Said."""\n{functions}'))) == []
    assert list(shape.docstrings(Source("tests/api/test_f.py", functions)))
    assert list(shape.docstrings(Source("tests/kit/service/running.py", f'"""Said."""\n{functions}')))


def test_the_tree_is_clean() -> None:
    sources = list(texts())
    assert [str(each) for check in catalogue.CHECKS for each in run(check, sources)] == []


@pytest.mark.parametrize("check", catalogue.CHECKS, ids=lambda check: check.name)
def test_every_check_applies_to_something(check: Check) -> None:
    assert any(check.applies(source.path) for source in texts())


def test_nothing_of_a_published_example_stands_in_the_service() -> None:
    reference = os.environ.get("OPENERS_REFERENCE_DIR")
    if not reference:
        pytest.skip("OPENERS_REFERENCE_DIR is not set")
    known = examples.published(Path(reference))
    assert len(known) > 100
    check = Check("examples", catalogue.may_hold_no_example, examples.borrowed(known))
    assert [str(each) for each in run(check, texts())] == []


def test_values_of_examples_are_told_from_words_of_the_specification(tmp_path: Path) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    (folder / "one.json").write_text(
        '{"id": "000000000012", "period": "2031-05-06T10:00:00Z", "state": {"code": "NOT_BOOKED"},'
        ' "owner": {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "X99"}}'
    )
    assert examples.published(tmp_path) == {"000000000012", "2031-05-06", "X99"}
