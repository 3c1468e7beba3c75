"""Golden replies: a success of each operation and some rejections. See `tests/kit/documents/kept_replies.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.kit.calls.expectations import BY_NAME, FOCUS
from tests.kit.documents.kept_replies import check_kept
from tests.kit.files.samples import letter
from tests.kit.referrals.stage import Stage
from tests.kit.referrals.talk import ADVICE as ADVISING
from tests.kit.referrals.talk import (
    AS_REFERRER,
    MESSAGE_PARTS,
    NOT_AUTHORISED,
    REQUIRE,
    RETURN,
    WITH_TARGET,
    answers,
    authorisation,
    conversion,
    own,
    question,
    response,
    worklist,
)
from tests.kit.referrals.words import (
    ACCEPTED,
    ADVICE,
    AT_ONCE,
    LATER,
    NO_LETTER,
    PROFILES,
    cancelling,
    flag,
    priority,
    rejecting,
)
from tests.kit.referrals.worklists import asking, of_service
from tests.kit.service.arrangements import created, instant
from tests.kit.service.requests import (
    ERS_SERVICE,
    SDS_USER,
    Json,
    create_for_triage,
    create_referral,
    criteria,
    identifier,
    parameters_of,
    search,
    shortlist,
)
from tests.kit.service.running import CONSULTANT, CONSULTANT_ADMIN, GP, GP_ADMIN, RC, Person, Running

pytestmark = pytest.mark.anyio

OF_A_CLINICIAN = (
    "/STU3/Slot?schedule.actor:HealthcareService=11001&schedule.actor:Practitioner=555032006106"
    "&appointmentType=ROUTINE&status=free&_count=2&page=1"
)
CONVERSATION = "/STU3/Communication?based-on=CommunicationRequest/{advice}/_history/1"
GP_ELSEWHERE = Person("555073103211", "B86011", RC)
FULL = criteria(
    {"name": "postcode", "valueString": "ls14ey"},
    {"name": "distanceLimit", "valueUnsignedInt": 20},
    {"name": "indicativeAppointmentWaitTimeLimit", "valueUnsignedInt": 30},
    identifier("namedClinician", SDS_USER, "555032006106"),
    appropriate=True,
)


@dataclass(frozen=True)
class Asked:
    """A request whose complete reply is stored in `file`."""

    file: str
    name: str
    who: Person | None = GP
    request: Json | None = None
    path: str | None = None
    method: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def responded(outcome: str = RETURN, without: Sequence[str] = ()) -> Json:
    """Return the body of A026 in the form of `request`."""
    return {"json": parameters_of("SendCommunicationToRequester-Request", response(outcome=outcome, without=without))}


def unversioned() -> Json:
    """Return a call of A027 without the version of the request."""
    origin: Json = {"name": "createFrom", "valueReference": {"reference": "CommunicationRequest/000000000001"}}
    return conversion({"id": "", "meta": {"versionId": ""}}, origin)


def act(number: str, *parameters: Json) -> Json:
    """Return the body of an act in the form of `request`."""
    return {"json": parameters_of(PROFILES[number], list(parameters))}


ASKED = (
    Asked("a004/reply_priority", "A004"),
    Asked("a004/reply_unknown", "A004", path="/STU3/CodeSystem/NOTHING"),
    Asked("a005/reply_awaiting_triage", "A005"),
    Asked("a005/reply_not_booked", "A005", path="/STU3/ReferralRequest/{unbooked}"),
    Asked("a005/reply_no_relationship", "A005", GP_ELSEWHERE),
    Asked("a005/reply_old_version", "A005", path="/STU3/ReferralRequest/{ubrn}/_history/2"),
    Asked("a006/reply_file", "A006"),
    Asked("a006/reply_unknown", "A006", path="/STU3/Binary/att-70000-1"),
    Asked("a007/reply_summary", "A007", CONSULTANT),
    Asked("a007/reply_booked", "A007", path="booked"),
    Asked("a007/reply_unknown", "A007", path="/STU3/ReferralRequest/999999999999/$ers.generateCRI"),
    Asked("a007/reply_no_relationship", "A007", GP_ELSEWHERE),
    Asked(
        "a008/reply_no_relationship",
        "A008-provider",
        CONSULTANT,
        asking("APPOINTMENT_SLOT_ISSUES", of_service("11005")),
    ),
    Asked("a008/reply_other_side", "A008", request=asking("REFERRALS_FOR_REVIEW")),
    Asked("a008/reply_filtered_by_a_referrer", "A008", request=asking("AWAITING_BOOKING", of_service("11004"))),
    Asked("a010/reply_found", "A010", request=search(of=FULL)),
    Asked("a010/reply_missing_value", "A010", request=search(without=["patient"])),
    Asked("a010/reply_wrong_role", "A010", CONSULTANT_ADMIN),
    Asked("a011/reply_created", "A011", request=create_referral(of=FULL, services=["11002", "11001"])),
    Asked("a011/reply_duplicate", "A011", request=create_referral(services=["11002", "11002"])),
    Asked(
        "a011/reply_by_an_admin",
        "A011",
        GP_ADMIN,
        create_referral(
            identifier("referringClinician", SDS_USER, GP.user),
            {"name": "eReferralPathwayStart", "valueInstant": instant(datetime.now(UTC) - timedelta(days=20))},
        ),
    ),
    Asked("a012/reply_letter", "A012"),
    Asked("a012/reply_no_files", "A012", request={"json": letter()}),
    Asked("a012/reply_unknown_file", "A012", request={"json": letter("att-70000-1")}),
    Asked("a013/reply_accepted", "A013", CONSULTANT),
    Asked("a014/reply_rejected", "A014", CONSULTANT),
    Asked("a014/reply_flag_not_permitted", "A014", CONSULTANT, act("A014", rejecting(), flag(told=True))),
    Asked("a015/reply_slots_of_a_clinician", "A015", path=OF_A_CLINICIAN),
    Asked("a015/reply_no_page", "A015", path=f"{OF_A_CLINICIAN}0"),
    Asked("a016/reply_sent_for_triage", "A016"),
    Asked("a019/reply_triage", "A019"),
    Asked("a019/reply_not_booked", "A019", path="/STU3/ReferralRequest/{unbooked}/$ers.generatePatientLetter"),
    Asked("a019/reply_booked", "A019", path="booked"),
    Asked("a019/reply_malformed", "A019", path="/STU3/ReferralRequest/1/$ers.generatePatientLetter"),
    Asked("a019/reply_no_relationship", "A019", GP_ELSEWHERE),
    Asked("a020/reply_uploaded", "A020"),
    Asked("a020/reply_other_extension", "A020", headers={"NHSD-eRS-File-Name": "letter.txt"}),
    Asked("a021/reply_created", "A021"),
    Asked("a021/reply_two_services", "A021", request=create_for_triage(services=["11004", "11005"])),
    Asked("a022/reply_acted_on_later", "A022", CONSULTANT, act("A022", *LATER, priority("URGENT", "priority"))),
    Asked("a022/reply_no_comments", "A022", CONSULTANT, act("A022")),
    Asked("a023/reply_with_a_target", "A023", CONSULTANT, worklist(identifier("service", ERS_SERVICE, WITH_TARGET))),
    Asked("a023/reply_service_of_others", "A023", CONSULTANT, worklist(identifier("service", ERS_SERVICE, "11011"))),
    Asked("a024/reply_question", "A024"),
    Asked("a024/reply_other_version", "A024", path="/STU3/CommunicationRequest/{advice}/_history/9"),
    Asked("a024/reply_is_a_referral", "A024", path="/STU3/CommunicationRequest/{ubrn}"),
    Asked("a025/reply_with_who_speaks", "A025", path=f"{CONVERSATION}&_include={'&_include='.join(MESSAGE_PARTS)}"),
    Asked("a025/reply_no_relationship", "A025", GP_ELSEWHERE),
    Asked("a026/reply_advice", "A026", CONSULTANT),
    Asked("a026/reply_more_is_wanted", "A026", CONSULTANT_ADMIN, responded(outcome=REQUIRE)),
    Asked("a026/reply_no_recommendation", "A026", CONSULTANT, responded(without=["guidanceIntendedRecommendation"])),
    Asked("a027/reply_converted", "A027", CONSULTANT),
    Asked("a027/reply_unversioned", "A027", CONSULTANT, unversioned()),
    Asked("a028/reply_returned", "A028", CONSULTANT_ADMIN),
    Asked("a028/reply_accepted", "A028", CONSULTANT, act("A028", *ACCEPTED)),
    Asked("a028/reply_priority_not_current", "A028", CONSULTANT, act("A028", *ADVICE, priority("ROUTINE"))),
    Asked("a029/reply_to_the_referrer", "A029"),
    Asked("a029/reply_to_the_provider", "A029", CONSULTANT),
    Asked("a029/reply_old_version", "A029", path=FOCUS.replace("F3&", "F2&")),
    Asked("a030/reply_two_organisations", "A030", GP_ADMIN),
    Asked("a030/reply_no_token", "A030", None),
    Asked("a031/reply_changed", "A031"),
    Asked("a031/reply_not_in_results", "A031", request=act("A031", shortlist("11028"), NO_LETTER, AT_ONCE)),
    Asked("a032/reply_sent_for_triage", "A032"),
    Asked("a033/reply_service", "A033"),
    Asked("a033/reply_triage_service", "A033", path="/R4/HealthcareService/11004"),
    Asked("a033/reply_withdrawn", "A033", path="/R4/HealthcareService/11028"),
    Asked("a034/reply_cancelled", "A034"),
    Asked("a035/reply_two_services", "A035"),
    Asked("a035/reply_bad_id", "A035", path="/R4/HealthcareService?_id=11001,x"),
    Asked("a036/reply_cancelled", "A036"),
    Asked("a036/reply_with_its_booking", "A036", path="booked"),
    Asked("a036/reply_wrong_reason", "A036", request=act("A036", cancelling("TRIAGE_ENDED"))),
    Asked("a037/reply_version", "A037"),
    Asked("a037/reply_other_method", "A037", method="PUT"),
    Asked("a038/reply_triage", "A038"),
    Asked("a038/reply_unknown", "A038", path="/STU3/Appointment/999999"),
    Asked("a039/reply_uploaded", "A039"),
    Asked("a040/reply_three_clinicians", "A040", replace(CONSULTANT_ADMIN, on_behalf_of=None)),
    Asked("a041/reply_found", "A041"),
    Asked("a041/reply_not_found", "A041", path="/R4/ServiceRequest?identifier=999999999999"),
    Asked("a041/reply_missing_identifier", "A041", path="/R4/ServiceRequest"),
    Asked("a041/reply_advice_and_referral", "A041", path="/R4/ServiceRequest?identifier={converted}"),
    Asked("a042/reply_address", "A042"),
    Asked("a042/reply_unknown", "A042", path="/R4/Binary/att-70000-1"),
    Asked("a042/reply_no_relationship", "A042", GP_ELSEWHERE),
    Asked("a043/reply_no_relationship", "A043", GP_ELSEWHERE),
    Asked("a044/reply_asked", "A044"),
    Asked("a044/reply_by_an_admin", "A044", GP_ADMIN, question(AS_REFERRER, authorisation(NOT_AUTHORISED))),
    Asked("a044/reply_two_services", "A044", request=question(services=(ADVISING, WITH_TARGET))),
    Asked("x001/reply_sent", "X001"),
    Asked("x001/reply_nothing_said", "X001", request={"json": own("SendCommunicationToProvider", [])}),
    Asked("x002/reply_closed", "X002"),
    Asked("x002/reply_one_answer", "X002", request={"json": own("CloseAdviceAndGuidance", answers()[:1])}),
)


@dataclass
class Arranged:
    """A service with a referral that awaits triage and an unbooked referral.

    One request for advice has a response target; another one, `converted`, has become a referral.
    """

    run: Running
    stage: Stage
    unbooked: str
    converted: str

    async def address(self, path: str) -> str:
        """Return a path with its placeholders replaced by ids."""
        if "{advice}" in path:
            path = path.replace("{advice}", (await self.stage.made("advice"))["id"])
        known = {"{unbooked}": self.unbooked, "{converted}": self.converted, "{ubrn}": self.stage.ubrn}
        for name, value in known.items():
            path = path.replace(name, value)
        return path


@pytest.fixture(scope="module")
async def arranged(shared: Running, stage: Stage) -> Arranged:
    await stage.rig.add_slots(3, "11001", "555032006106")
    await stage.talk.ask(service=WITH_TARGET)
    converted = await stage.talk.ask()
    assert (await stage.talk.convert(converted)).status_code == 201
    return Arranged(shared, stage, await created(shared), converted["id"])


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.file)
async def test_a_whole_reply(arranged: Arranged, asked: Asked) -> None:
    expected, run = BY_NAME[asked.name], arranged.run
    client = run.anonymous() if asked.who is None else await run.as_person(asked.who)
    if asked.path == "booked":
        expected = replace(expected, on="booked")
    named = None if asked.path == "booked" else asked.path
    path = await arranged.address(named or await expected.address(arranged.stage))
    more: dict[str, Any] = {"url": path, "method": asked.method or expected.method}
    if asked.request is not None:
        more["json"] = asked.request["json"]
    reply = await expected.call(client, arranged.stage, {"X-Correlation-ID": "golden", **asked.headers}, **more)
    check_kept(asked.file, reply)
