"""The result of a scan appears in every record that has the file: the conversation, the referral, or both.

Each scan raises the version of these records in the same transaction, so that no cached reply shows the old status.
Source: rules chapters 3.4 and 6.
"""

from __future__ import annotations

import pytest

from tests.kit.files.samples import scan
from tests.kit.referrals.talk import MESSAGE_PARTS, Talk
from tests.kit.service.requests import Json

pytestmark = pytest.mark.anyio
PENDING, AVAILABLE = "PENDING", "AVAILABLE"


def availability_in(shown: Json) -> dict[str, str]:
    """Return the availability of each file in a reply by file name."""
    resources = [each["resource"] for each in shown["entry"]] if "entry" in shown else shown["contained"]
    attachments = [
        each["content"][0]["attachment"] for each in resources if each["resourceType"] == "DocumentReference"
    ]
    return {each["title"]: each["extension"][0]["valueCoding"]["code"] for each in attachments}


def version_of(shown: Json) -> int:
    """Return the version in a reply."""
    return int(shown["meta"]["versionId"])


def file_of(parameter: Json) -> str:
    """Return the id of the file that a parameter names."""
    return str(parameter["resource"]["content"][0]["attachment"]["url"]).removeprefix("Binary/")


async def test_a_scan_raises_the_version_of_the_conversation(both: Talk) -> None:
    """After the scan of a message's file, reads of the old version get 404, and changes to it get 409."""
    asking = await both.attach("requestAttachmentFile", "ADVICE_REQUEST", "question.txt", None, both.gp)
    advice = await both.ask(asking)
    before = (await both.messages(advice, MESSAGE_PARTS[2])).json()
    assert availability_in(before) == {"question.txt": PENDING}
    await scan(both.run, file_of(asking))
    now = await both.read(advice)
    assert version_of(now) > version_of(advice)
    assert (await both.messages(advice)).status_code == 404
    after = (await both.messages(now, MESSAGE_PARTS[2])).json()
    assert availability_in(after) == {"question.txt": AVAILABLE}
    assert after["entry"][0]["resource"]["basedOn"][0]["reference"].endswith(f"/_history/{version_of(now)}")
    assert (await both.respond(advice)).status_code == 409
    await scan(both.run, file_of(asking))
    assert await both.read(advice) == now, "a second scan finds nothing to do"


async def test_a_scan_raises_the_version_of_the_request_that_has_the_file(talk: Talk) -> None:
    """After the scan of a clinical information file, A024 shows the result and a new version."""
    advice = await talk.ask()
    file = await talk.attach("clinicalInformationFile", "REFERRER", "record.txt", advice, talk.gp)
    advice = await talk.done(await talk.reply(advice, file))
    assert availability_in(advice) == {"record.txt": PENDING}
    await scan(talk.run, file_of(file))
    now = await talk.read(advice)
    assert (availability_in(now), version_of(now) > version_of(advice)) == ({"record.txt": AVAILABLE}, True)


async def test_a_scan_after_the_conversion_raises_both_versions(both: Talk) -> None:
    """After a conversion, both records show the scan of a message's file. Only the referral shows the review's file."""
    advice = await both.ask()
    guidance = await both.attach("guidanceAttachmentFile", "GUIDANCE_RESPONSE", "plan.txt", advice, both.consultant)
    review = await both.attach("reviewAttachmentFile", "PROVIDER", "review.txt", advice, both.consultant)
    referral = (await both.convert(advice, guidance, review)).json()
    advice = await both.read(advice)
    await scan(both.run, file_of(guidance))
    shown = (await both.gp.get(f"/STU3/ReferralRequest/{advice['id']}")).json()
    assert version_of(shown) > version_of(referral)
    assert availability_in(shown) == {
        f"Advice and guidance conversation - {advice['id']}.pdf": AVAILABLE,
        "plan.txt": AVAILABLE,
        "review.txt": PENDING,
    }
    talked = await both.read(advice)
    assert version_of(talked) > version_of(advice)
    assert availability_in((await both.messages(talked, MESSAGE_PARTS[2])).json()) == {"plan.txt": AVAILABLE}
    await scan(both.run, file_of(review))
    assert await both.read(advice) == talked
    last = (await both.gp.get(f"/STU3/ReferralRequest/{advice['id']}")).json()
    assert (version_of(last) > version_of(shown), availability_in(last)["review.txt"]) == (True, AVAILABLE)
