"""The requests of all examples, in the order in which one needs another. Each story has a world of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx

from openers.api.examples import Example
from tests.kit.examples.recorder import SEED, Recorder, fresh_demo, tutorial
from tests.kit.referrals.rig import cancellation
from tests.kit.referrals.talk import own
from tests.kit.referrals.words import LATER, PROFILES, outcome, said
from tests.kit.service.requests import NHS_NUMBER, ODS, SDS_USER, identifier, parameters_of
from tests.kit.service.running import CONSULTANT, CONSULTANT_ADMIN, GP_ADMIN

Json = dict[str, Any]
REFERRALS: Final = "/STU3/ReferralRequest"
ADVICE: Final = "/STU3/CommunicationRequest"
SERVICE: Final = "11006"
"""A service of the tutorial that is booked through e-RS."""
SLOTS: Final = (
    f"/STU3/Slot?schedule.actor:HealthcareService={SERVICE}&appointmentType=ROUTINE&status=free&_count=2&page=1"
)
BY_RULES: Final = {"NHSD-eRS-Comm-Rule-Org": "D82106"}
A_REFERRAL: Final = "a referral ([A011](a011.md))"
BOOKED: Final = "a booked referral ([A011](a011.md), [A016](a016.md))"
FOR_TRIAGE: Final = "a referral that awaits triage ([A021](a021.md))"
QUESTION: Final = "a request for advice ([A044](a044.md))"
ADVISED: Final = (outcome(), said("reviewComments", "Please check the blood pressure again in a month."))
ANSWER: Final = "Ramipril 5 mg. No diuretic so far."
LETTER: Final = "Dear colleague, please see this patient."


def tagged(record: Json) -> dict[str, str]:
    """Return the `If-Match` of a record as it was read."""
    return {"If-Match": f'W/"{record["meta"]["versionId"]}"'}


def act(referral: Json, operation: str, body: Json | None = None) -> dict[str, Any]:
    """Return path, headers and body of an operation on a referral as it was read."""
    wanted = {"path": f"{REFERRALS}/{referral['id']}/$ers.{operation}", "method": "POST", "headers": tagged(referral)}
    return wanted if body is None else {**wanted, "json": body}


async def directory(call: Recorder) -> None:
    """Reference data, services and people: nothing is changed."""
    await call.example("a004", "Read the codes for priorities", "/STU3/CodeSystem/PRIORITY")
    await call.example(
        "a010",
        "Search for a heart failure clinic near the patient",
        "/STU3/HealthcareService/$ers.searchHealthcareServicesForPatient",
        method="POST",
        json=tutorial("search-services"),
    )
    await call.example("a015", "List the free slots of a service", SLOTS, headers=BY_RULES)
    await call.example("a030", "Read your own roles", "/R4/PractitionerRole", GP_ADMIN)
    await call.example("a033", "Read a service", "/R4/HealthcareService/11001")
    await call.example("a035", "Read two services", "/R4/HealthcareService?_id=11001,11006")
    await call.example("a037", "Read the version of a service", "/R4/HealthcareService/11001", method="HEAD")
    nobody = replace(CONSULTANT_ADMIN, on_behalf_of=None)
    await call.example("a040", "List the clinicians whom you may act for", "/R4/Practitioner?_query=onBehalfOf", nobody)


async def made_referral(call: Recorder) -> Json:
    """A referral without a letter, on whose shortlist is a service that is booked through e-RS."""
    body = tutorial("create-referral")
    told = {each["name"]: each for each in body["parameter"]}
    told["intentionToAddReferralLetter"]["valueCoding"]["code"] = "NOT_INTENDING_TO_ADD"
    entries = told["shortlist"]["resource"]["entry"]
    entries[:] = [each for each in entries if each["item"]["identifier"]["value"] == SERVICE]
    return await call.ask(f"{REFERRALS}/$ers.createReferral", method="POST", json=body)


async def booking(call: Recorder, referral: Json) -> Json:
    """The request body that books the first free slot."""
    slots = await call.ask(SLOTS, headers=BY_RULES)
    slot = next(each["resource"] for each in slots["entry"] if each["resource"]["resourceType"] == "Slot")
    version = referral["meta"]["versionId"]
    return tutorial("book", UBRN=referral["id"], VERSION=version, SLOT=slot["id"], START=slot["start"], END=slot["end"])


async def booked_referral(call: Recorder) -> Json:
    """A booked referral that awaits its review."""
    referral = await made_referral(call)
    await call.ask("/STU3/Appointment", method="POST", json=await booking(call, referral))
    return await call.ask(f"{REFERRALS}/{referral['id']}")


async def referral(call: Recorder) -> None:
    """A referral from its creation to its acceptance, with a letter."""
    create: Json = {"method": "POST", "json": tutorial("create-referral")}
    made = await call.example("a011", "Create a referral", f"{REFERRALS}/$ers.createReferral", **create)
    read = f"{REFERRALS}/{made.json()['id']}"
    await call.example("a005", "Read a referral", read, needs=A_REFERRAL)
    version = made.json()["meta"]["versionId"]
    await call.example("a005-version", "Read a version of a referral", f"{read}/_history/{version}", needs=A_REFERRAL)
    await call.example(
        "a008",
        "List the referrals that the practice must still book",
        f"{REFERRALS}/$ers.fetchworklist",
        method="POST",
        json=tutorial("fetch-worklist"),
    )
    await files(call, made.json())
    body = await booking(call, await call.ask(read))
    booked = await call.example(
        "a016", "Book a slot", "/STU3/Appointment", method="POST", json=body, needs=f"{A_REFERRAL} and a free slot"
    )
    appointment = f"/STU3/Appointment/{booked.json()['id']}"
    await call.example("a038", "Read an appointment", appointment, needs=BOOKED)
    version = booked.json()["meta"]["versionId"]
    old = f"{appointment}/_history/{version}"
    await call.example("a038-version", "Read a version of an appointment", old, needs=BOOKED)
    now = await call.ask(read)
    await overviews(call, now)
    await call.example(
        "a029",
        "List what the consultant may do with a referral",
        f"/STU3/Task?focus=ReferralRequest/{now['id']}/_history/{now['meta']['versionId']}"
        "&intent=proposal&status=ready",
        CONSULTANT,
        needs=BOOKED,
    )
    await call.example("a041", "Search by UBRN", f"/R4/ServiceRequest?identifier={now['id']}", needs=A_REFERRAL)
    letter = f"{read}/$ers.generatePatientLetter"
    await call.example("a019", "Print the letter to the patient", letter, method="POST", needs=BOOKED)
    summary = f"{read}/$ers.generateCRI"
    await call.example("a007", "Print the clinical information", summary, CONSULTANT, method="POST", needs=BOOKED)
    accept = act(await call.ask(read), "acceptReferral")
    await call.example("a013", "Accept a booked referral", who=CONSULTANT, needs=BOOKED, **accept)


async def files(call: Recorder, made: Json) -> None:
    """A letter that is uploaded, added to the referral and downloaded."""
    upload: Json = {"method": "POST", "content": LETTER}
    named = {"Content-Type": "text/plain", "NHSD-eRS-File-Name": "letter.txt", "NHSD-eRS-Referral-ID": made["id"]}
    sent = await call.example("a020", "Upload a letter", "/STU3/Binary", headers=named, needs=A_REFERRAL, **upload)
    large = {"Content-Type": "text/plain", "NHSD-eRS-File-Name": "history.txt"}
    await call.example("a039", "Upload a file", "/R4/Binary", headers=large, **upload)
    await call.run_due()
    file = sent.headers["location"].rpartition("/")[2]
    scanned = "an uploaded file that has been scanned ([A020](a020.md))"
    add = act(made, "maintainReferralLetter", tutorial("letter", FILE=f"Binary/{file}"))
    await call.example("a012", "Add a letter to a referral", needs=f"{A_REFERRAL} and {scanned}", **add)
    await call.example("a006", "Download a file", f"/STU3/Binary/{file}", needs=scanned)
    await call.example("a042", "Get the address of a file", f"/R4/Binary/{file}", needs=scanned)


async def overviews(call: Recorder, referral: Json) -> None:
    """What pages show around a referral: its patient, names, next step and history."""
    patient = identifier("patient", NHS_NUMBER, referral["subject"]["identifier"]["value"])
    names = [patient, identifier("person", SDS_USER, "555073103100"), identifier("organisation", ODS, "D82106")]
    wanted: Json = {"method": "POST", "json": own("FindNames", names)}
    await call.example("x003", "Find names", "/STU3/Patient/$openers.findNames", **wanted)
    demographics = [said("familyName", "Hartley"), {"name": "birthDate", "valueDate": "1955-03-14"}]
    wanted = {"method": "POST", "json": own("FindPatients", demographics)}
    await call.example("x004", "Find a patient by name and date of birth", "/STU3/Patient/$openers.find", **wanted)
    wanted = {"method": "POST", "json": own("PatientRequests", [patient])}
    await call.example(
        "x005", "List the requests of a patient", "/STU3/Patient/$openers.requests", needs=A_REFERRAL, **wanted
    )
    row = identifier("request", "https://fhir.nhs.uk/Id/UBRN", referral["id"])
    wanted = {"method": "POST", "json": own("Overviews", [row])}
    rows = f"{REFERRALS}/$openers.overviews"
    await call.example("x006", "Retrieve the next step of a referral", rows, needs=A_REFERRAL, **wanted)
    history = f"{REFERRALS}/{referral['id']}/$openers.history"
    await call.example("x007", "Retrieve the history of a referral", history, needs=A_REFERRAL)


async def endings(call: Recorder) -> None:
    """Booked referrals that are cancelled, deferred or rejected."""
    first = await made_referral(call)
    appointment = await call.ask("/STU3/Appointment", method="POST", json=await booking(call, first))
    await call.example(
        "a034",
        "Cancel an appointment",
        f"/STU3/Appointment/{appointment['id']}",
        method="PUT",
        headers=tagged(appointment),
        json=cancellation(appointment, "PATIENT_ILL"),
        needs=BOOKED,
    )
    later = act(
        await booked_referral(call), "cancelAppointmentActionLater", parameters_of(PROFILES["A022"], list(LATER))
    )
    await call.example(
        "a022", "Cancel an appointment and book the patient later", who=CONSULTANT, needs=BOOKED, **later
    )
    reject = act(await booked_referral(call), "rejectReferral", tutorial("reject"))
    rejected = await call.example("a014", "Reject a booked referral", who=CONSULTANT, needs=BOOKED, **reject)
    change = act(rejected.json(), "changeShortlist", tutorial("change-shortlist"))
    changed = await call.example(
        "a031", "Change the shortlist", needs="a rejected referral ([A014](a014.md))", **change
    )
    cancel = act(changed.json(), "cancelReferral", tutorial("cancel-referral"))
    await call.example("a036", "Cancel a referral", needs=A_REFERRAL, **cancel)


async def triage(call: Recorder) -> None:
    """A referral that is triaged, returned with advice and sent for triage again."""
    made = await call.example(
        "a021",
        "Create a referral and send it for triage",
        f"{REFERRALS}/$ers.createReferralAndSendForTriage",
        method="POST",
        json=tutorial("create-referral-for-triage"),
    )
    returned = act(made.json(), "recordReviewOutcome", parameters_of(PROFILES["A028"], list(ADVISED)))
    reviewed = await call.example("a028", "Return a referral with advice", who=CONSULTANT, needs=FOR_TRIAGE, **returned)
    again = act(reviewed.json(), "changeShortlistAndSendForTriage", tutorial("send-for-triage"))
    await call.example("a032", "Send a referral for triage again", needs=f"{FOR_TRIAGE} and was returned", **again)


def advised(request: Json, operation: str, body: Json) -> dict[str, Any]:
    """Return path, headers and body of an operation on a request for advice as it was read."""
    return {
        "path": f"{ADVICE}/{request['id']}/${operation}",
        "method": "POST",
        "headers": tagged(request),
        "json": body,
    }


def request_of(reply: httpx.Response) -> Json:
    """Return the request for advice that a reply shows first."""
    shown: Json = reply.json()["parameter"][0]["resource"]
    return shown


async def advice(call: Recorder) -> None:
    """A question, the exchange that follows, and another question that becomes a referral."""
    ask: Json = {"path": f"{ADVICE}/$ers.createAdviceAndGuidance", "method": "POST", "json": tutorial("ask-for-advice")}
    asked = request_of(await call.example("a044", "Ask for advice", **ask))
    read = f"{ADVICE}/{asked['id']}"
    await call.example("a024", "Read a request for advice", read, needs=QUESTION)
    old = f"{read}/_history/{asked['meta']['versionId']}"
    await call.example("a024-version", "Read a version of a request for advice", old, needs=QUESTION)
    await call.example(
        "a023",
        "List the requests that await advice",
        f"{ADVICE}/$ers.fetchworklist",
        CONSULTANT,
        method="POST",
        json=tutorial("fetch-advice-worklist"),
    )
    more = advised(asked, "ers.sendCommunicationToRequester", tutorial("ask-for-more"))
    await call.ask(who=CONSULTANT, **more)
    reply = advised(
        await call.ask(read), "openers.sendCommunicationToProvider", tutorial("reply-to-provider", REPLY=ANSWER)
    )
    replied = await call.example("x001", "Reply to the provider", needs=QUESTION, **reply)
    respond = advised(request_of(replied), "ers.sendCommunicationToRequester", tutorial("give-advice"))
    responded = request_of(await call.example("a026", "Give advice", who=CONSULTANT, needs=QUESTION, **respond))
    conversation = f"/STU3/Communication?based-on=CommunicationRequest/{asked['id']}/_history/"
    await call.example("a025", "Read a conversation", conversation + responded["meta"]["versionId"], needs=QUESTION)
    await call.example("a043", "Print a conversation", f"{read}/$ers.generateCRI", method="POST", needs=QUESTION)
    close = advised(responded, "openers.closeAdviceAndGuidance", tutorial("close-advice"))
    answered = "a request for advice with a response ([A044](a044.md), [A026](a026.md))"
    await call.example("x002", "Close a request for advice", needs=answered, **close)
    second = request_of(httpx.Response(200, json=await call.ask(**ask)))
    convert = tutorial("convert-advice", UBRN=second["id"], VERSION=second["meta"]["versionId"])
    await call.example(
        "a027",
        "Convert a request for advice into a referral",
        f"{REFERRALS}/$ers.createFromCommunicationRequestActionLater",
        CONSULTANT,
        method="POST",
        json=convert,
        needs=QUESTION,
    )


STORIES: Final[tuple[Callable[[Recorder], Awaitable[None]], ...]] = (directory, referral, endings, triage, advice)


async def recorded() -> dict[str, Example]:
    """Make the requests of all examples in a fresh demo world; return them with their replies."""
    examples: dict[str, Example] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with fresh_demo(Path(folder)) as rig:
            for story in STORIES:
                name = story.__name__
                await rig.control("POST", "/worlds", {"name": name, "seed": SEED})
                await story(Recorder(rig, name, examples))
    return examples
