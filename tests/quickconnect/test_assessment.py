"""Quick Connect is judged as any client: its own calls, made by its journeys, break no requirement.

`python -m tests.quickconnect.test_assessment` writes the report in the documentation again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Sequence
from typing import Final

import httpx
import pytest

from openers_assurance import Assessment, in_order, read_ndjson
from openers_assurance.assessment import Row, State
from openers_assurance.report import DISCLAIMER, counts
from openers_client import application_token
from tests.kit.run.project import ROOT
from tests.kit.service.live import client_of
from tests.kit.service.polled import polled_service
from tests.kit.web.walker import Walker
from tests.quickconnect import test_journeys as journeys
from tests.quickconnect.conftest import running

REPORT: Final = ROOT / "docs/explanation/quick-connect-assessment.md"
WRITE: Final = "OPENERS_WRITE_ASSESSMENT"
"""Names the environment variable that has the report written."""
JOURNEYS: Final = (
    journeys.test_a_gp_refers_books_and_adds_a_letter,
    journeys.test_a_consultant_reviews_one_after_the_other,
    journeys.test_a_referral_is_triaged_and_comes_back_with_advice,
    journeys.test_advice_is_asked_for_given_and_closed,
)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Generator[Sequence[Row]]:
    """Run the journeys against a service of their own; provide the assessment of their calls."""
    folder = tmp_path_factory.mktemp("assessed")
    walkers: list[Walker] = []
    with polled_service(folder) as service, running(service.base_url, folder / "state") as address:

        def enter(user: str) -> Walker:
            walkers.append(Walker(address))
            walkers[-1].log_in(user)
            return walkers[-1]

        for journey in JOURNEYS:
            journey(enter)
        for each in walkers:
            each.close()
        yield _assessed(service.base_url)


def _assessed(base_url: str) -> Sequence[Row]:
    """Return the assessment of the calls of Quick Connect, which the environment has logged."""
    administrator = client_of("demo-ops")
    token = application_token(base_url, administrator.client_id, administrator.private_jwk or {}).access_token
    lines, cursor = list[str](), "0"
    while True:
        page = httpx.get(
            f"{base_url}/admin/v1/exchanges", params={"cursor": cursor}, headers={"Authorization": f"Bearer {token}"}
        )
        page.raise_for_status()
        if not page.text:
            break
        lines += page.text.split("\n")
        cursor = page.headers["X-OpenERS-Cursor"]
    assessment = Assessment()
    for exchange in in_order(read_ndjson(lines)):
        if exchange.application == "quickconnect":
            assessment.add(exchange)
    return assessment.rows(final=True)


def test_its_calls_break_no_requirement(rows: Sequence[Row]) -> None:
    """Each automatic requirement that applies to it is kept, or not seen in these journeys; none is broken."""
    assert [(row.id, [(each.call, each.why) for each in row.breaches]) for row in rows if row.broken] == []
    met = [row.id for row in rows if row.kind.is_automatic and row.state is State.MET]
    assert len(met) >= 10, met


def test_the_report_is_in_the_documentation(rows: Sequence[Row]) -> None:
    wanted = _report(rows)
    if os.environ.get(WRITE):
        REPORT.write_text(wanted, "utf-8")
    assert REPORT.read_text("utf-8") == wanted


def _report(rows: Sequence[Row]) -> str:
    """Return the page: the counts, and each requirement with its state."""
    told = ", ".join(f"{count} {state}" for state, count in counts(rows).items() if count)
    lines = [
        "# Assessment of Quick Connect",
        "",
        "For suppliers: [the assessment](assurance.md) of the calls that the journeys of",
        "[Quick Connect](../how-to/use-quick-connect.md) make: refer, book, review, triage, ask, answer.",
        "A test compares this page with the calls.",
        "",
        DISCLAIMER,
        "",
        f"Requirements: {told}.",
        "One that is not seen belongs to an event that the journeys do not have, such as a refusal.",
        "",
        "| requirement | demand | state |",
        "|---|---|---|",
        *(f"| {row.id} | {row.demand} | {row.state} |" for row in rows if row.state is not State.NOT_APPLICABLE),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Write the report."""
    os.environ[WRITE] = "1"
    sys.exit(pytest.main(["-q", "-n", "0", __file__]))


if __name__ == "__main__":
    main()
