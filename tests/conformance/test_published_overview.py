"""The published overview of a conversation (A043): our PDF has the same kind of name and the same content.

Layout and wording are ours, so the test compares labels of the same meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from tests.conformance.conversations import Stage, only, placed
from tests.conformance.retelling import retold
from tests.conformance.worlds import World
from tests.kit.documents.pages import squeezed, text_of
from tests.kit.documents.reference import DIRECTORY
from tests.kit.referrals.words import said
from tests.kit.service.running import CONSULTANT, GP, Running

from openers.domain.identifiers import UserId

pytestmark = pytest.mark.anyio

NAME: Final = re.compile(r"\d{12}_Advice_And_Guidance_\d{14}\.pdf")
LABELS: Final = {
    "Priority": "Priority",
    "Service Name": "Service",
    "Specialty": "Clinical context",
    "Referred By": "Requested by",
    "Referring Organisation": "Requesting organisation",
    "Registered Practice": "Registered practice",
    "Advice Status: Provider response required": "Provider response required",
    "Provider Authorised To Convert To a Referral: Yes": "Provider authorised to convert Yes",
    "(Referring Clinician)": "Referring clinician",
    "(Service Provider Clinician)": "Service provider clinician",
    "CONFIDENTIAL PATIENT INFORMATION": "CONFIDENTIAL PATIENT INFORMATION",
}
"""Labels of the published overview, and ours with the same meaning."""


async def test_the_overview_of_a_conversation(world: World, served: Running, compared: Callable[[int], None]) -> None:
    """A043 prints a question, a request for information and a reply, like the published overview."""
    (file,) = (Path(DIRECTORY) / "examples").glob("stu3/a043-*/responses/*.pdf")
    stage = Stage(world, served)
    asker = await stage.asker(world.id(UserId, GP.user))
    provider = await stage.provider(world.id(UserId, CONSULTANT.user))
    model = placed(retold(only("A024", "MinimalExample.json").read(), world, {}), world)
    advice = await stage.respond(provider, await stage.ask(asker, model, "First."), "Second.")
    advice = await stage.reply(asker, advice, said("reply", "Third."))
    reply = await asker.post(f"/STU3/CommunicationRequest/{advice['id']}/$ers.generateCRI", headers={"Accept": "*/*"})
    assert reply.status_code == 200, reply.text
    (named,) = re.findall(r'filename="([^"]+)"', reply.headers["content-disposition"])
    assert NAME.fullmatch(named)
    assert NAME.fullmatch(file.name)
    published, ours = squeezed(text_of(file.read_bytes())), squeezed(text_of(reply.content))
    for theirs, own in LABELS.items():
        assert squeezed(theirs) in published, theirs
        assert squeezed(own).lower() in ours.lower(), own
    places = [ours.index(each) for each in ("First.", "Second.", "Third.")]
    assert places == sorted(places)
    compared(1)
