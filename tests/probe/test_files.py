"""Files in test mode: their content is never recorded, and a fault can delay their scan."""

from __future__ import annotations

import pytest

from openers.bootstrap import do_due_work
from tests.kit.service.running import GP, Running

pytestmark = pytest.mark.anyio
LETTER = {"Content-Type": "text/plain", "NHSD-eRS-File-Name": "Arkwright.txt"}


async def test_nothing_of_a_file_is_remembered_but_its_size(probed: Running) -> None:
    """A recorded file shows only its size: no content, no name, and not the signed address that opens it."""
    gp = await probed.as_person(GP)
    stored = await gp.post("/STU3/Binary", content=b"Dear Mrs Arkwright", headers=LETTER)
    assert stored.status_code == 201, stored.text
    await do_due_work(probed.service)
    file = stored.headers["location"].rpartition("/")[2]
    assert (await gp.get(f"/STU3/Binary/{file}")).content == b"Dear Mrs Arkwright"
    address = (await gp.get(f"/R4/Binary/{file}")).headers["location"]
    pages = probed.pages()
    shown = (await pages.get("/_test/requests?as=har")).text
    for number in (1, 2, 3):
        shown += (await pages.get(f"/_test/requests/{number}")).text
    assert "Arkwright" not in shown
    assert address.rpartition("/")[2].rpartition(".")[2] not in shown
    assert shown.count("[text/plain, 18 bytes]") == 4
    assert "--data-binary @file" in shown


async def test_a_slow_scan_ends_all_the_same(probed: Running) -> None:
    gp, pages = await probed.as_person(GP), probed.pages()
    await pages.put("/_test/faults", json={"faults": [{"kind": "slow-scan", "ms": 1, "count": 1}]})
    stored = await gp.post("/STU3/Binary", content=b"Dear doctor", headers=LETTER)
    address = f"/STU3/{stored.headers['location']}"
    assert (await gp.get(address)).status_code == 422
    await do_due_work(probed.service)
    assert (await gp.get(address)).content == b"Dear doctor"
    (fault,) = (await pages.get("/_test/faults")).json()["faults"]
    assert (fault["struck"], fault["left"]) == (1, 0)
