"""Saved views of worklists, selected rows, and the way to the next of a queue. Without scripts."""

from __future__ import annotations

import csv
import io
import sqlite3
from pathlib import Path

import pytest

from openers_quickconnect.views import LONGEST_NAME, MOST_VIEWS, TABLES, UNUSED_S, SavedViews, TooManyViews, View
from openers_web.database import Database
from openers_web.sealing import Sealer
from tests.quickconnect.test_journeys import CONSULTANT, GP, booked
from tests.quickconnect.test_registers import Enter

URGENT = (("priority", "URGENT"),)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the file of a store."""
    return tmp_path / "views.db"


class _Clock:
    now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


async def _store(file: Path, clock: _Clock, key: bytes = b"k" * 32) -> SavedViews:
    store = SavedViews(Database(f"sqlite:///{file}", TABLES), Sealer([key]), clock)
    await store.open()
    return store


@pytest.mark.anyio
async def test_views_are_kept_by_person_and_role_and_encrypted(file: Path) -> None:
    """Another person and another role see none; the file holds neither names nor filters; another key opens nothing."""
    store = await _store(file, _Clock())
    await store.save("ann", "RCD.SPC", View("to-review", "Mine", URGENT))
    await store.save("ann", "RCD.SPC", View("to-review", "Mine", ()))
    await store.save("ann", "RCD.SPC", View("advice", "Other", URGENT))
    assert await store.of("ann", "RCD.SPC", "to-review") == [View("to-review", "Mine", ())], "the name is replaced"
    for subject, role in (("bob", "RCD.SPC"), ("ann", "R69.SPC")):
        assert await store.of(subject, role, "to-review") == []
    content = b"".join(each.read_bytes() for each in file.parent.iterdir())
    assert not [each for each in (b"Mine", b"URGENT", b"ann") if each in content]
    assert await (await _store(file, _Clock(), b"x" * 32)).of("ann", "RCD.SPC", "to-review") == []


@pytest.mark.anyio
async def test_views_are_bounded_in_number_and_time(file: Path) -> None:
    """The one after the last is refused; what nobody uses for long is deleted at the next start, and use keeps it."""
    clock = _Clock()
    store = await _store(file, clock)
    for number in range(MOST_VIEWS):
        await store.save("ann", "role", View("advice", str(number), ()))
    with pytest.raises(TooManyViews):
        await store.save("ann", "role", View("advice", "one more", ()))
    await store.remove("ann", "role", "advice", "3")
    await store.save("ann", "role", View("advice", "one more", ()))
    await store.save("bob", "role", View("advice", "unused", ()))
    clock.now += UNUSED_S - 10
    assert len(await store.of("ann", "role", "advice")) == MOST_VIEWS
    clock.now += 20
    await store.open()
    assert (len(await store.of("ann", "role", "advice")), await store.of("bob", "role", "advice")) == (MOST_VIEWS, [])
    with sqlite3.connect(file) as raw:
        assert raw.execute("SELECT count(*) FROM quickconnect_views").fetchone() == (1,)


def test_a_list_is_kept_as_it_is_filtered(walker: Enter) -> None:
    """A view is saved, opens with its filters, is replaced by name, and is removed. Names are checked."""
    consultant = walker(CONSULTANT)
    consultant.go(f"{consultant.role}/worklists/to-review?priority=URGENT")
    consultant.follow("Saved views")
    consultant.send("Save the view")
    assert (consultant.reply.status_code, "Enter a name" in consultant.text) == (422, True)
    consultant.send("Save the view", name="x" * (LONGEST_NAME + 1))
    assert consultant.reply.status_code == 422
    consultant.send("Save the view", name="Urgent <i>first</i>")
    assert "The view Urgent <i>first</i> is saved." in consultant.text, consultant.text
    consultant.go(f"{consultant.role}/worklists/to-review")
    consultant.follow("Urgent <i>first</i>")
    assert consultant.reply.url.params["priority"] == "URGENT"
    consultant.follow("Saved views")
    consultant.send(next(each for each in consultant.buttons if each.startswith("Remove") and "first" in each))
    assert "The view is removed." in consultant.text
    consultant.go(f"{consultant.role}/worklists/to-review")
    assert "Urgent <i>first</i>" not in consultant.links


def test_selected_rows_and_the_next_of_a_queue(walker: Enter) -> None:
    """CSV holds the selected rows only; "next" goes round the queue and changes nothing."""
    gp = walker(GP)
    for _ in range(2):
        booked(gp)
    consultant = walker(CONSULTANT)
    consultant.go(f"{consultant.role}/worklists/to-review")
    first, second = consultant.choices("row")[:2]
    consultant.send("Download CSV of the selected rows", row=[second])
    rows = list(csv.DictReader(io.StringIO(consultant.reply.text.removeprefix("\ufeff"))))
    assert [each["UBRN"].replace(" ", "") for each in rows] == [second]
    consultant.go(f"{consultant.role}/referrals/{first}/review")
    consultant.follow("Next in the queue")
    assert second in consultant.path, consultant.text
    seen = [second]
    while seen[-1] != first and len(seen) < 1000:
        consultant.go(f"{consultant.role}/referrals/{seen[-1]}/next")
        seen.append(consultant.path.split("/")[4])
    assert len(set(seen)) == len(seen), "each once, and after the last one comes the first"
