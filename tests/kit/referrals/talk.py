"""All users who take part in an advice conversation, and their requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.kit.referrals.cast import GP_ELSEWHERE
from tests.kit.referrals.words import document, said, uploaded
from tests.kit.service.requests import (
    CS,
    HEADERS,
    NHS_NUMBER,
    PATIENT,
    SDS_USER,
    Json,
    changed,
    coding,
    criteria,
    identifier,
    parameters_of,
    posted,
    shortlist,
)
from tests.kit.service.running import (
    CONSULTANT,
    CONSULTANT_ADMIN,
    CONSULTANT_ELSEWHERE,
    GP,
    GP_ADMIN,
    PROVIDER_ADMIN,
    Running,
)

ADVICE: Final = "11014"
"""A service that offers only advice."""
WITH_TARGET: Final = "11010"
"""A service that also gives advice, with a response target of sixteen working hours."""
REQUIRE, RETURN = "REQUIRE_FURTHER_INFORMATION", "RETURN_TO_REFERRER_WITH_ADVICE"
AUTHORISED, NOT_AUTHORISED = "AUTHORISED_TO_CONVERT", "NOT_AUTHORISED_TO_CONVERT"
AS_REFERRER: Final = identifier("referringClinician", SDS_USER, GP.user)
MESSAGE_PARTS: Final = (
    "Communication:requester-practitionerrole:PractitionerRole",
    "Communication:sender-practitionerrole:PractionerRole",
    "Communication:content-reference:DocumentReference",
)


def authorisation(code: str) -> Json:
    """Return the parameter that says whether the provider may convert the request into a referral."""
    return coding("providerConversionAuthorisation", "ProviderConversionAuthorisation", code)


def question(
    *changes: Json, services: Sequence[str] = (ADVICE,), of: Json | None = None, without: Sequence[str] = ()
) -> Json:
    """Return the keyword arguments of A044 for a client's `post`."""
    parameters = [
        identifier("patient", NHS_NUMBER, PATIENT),
        authorisation(AUTHORISED),
        shortlist(*services, of=of),
        said("request", "What would you do?"),
    ]
    body = parameters_of("CreateAdviceAndGuidance-Request", changed(parameters, changes, without))
    return posted("/STU3/CommunicationRequest/$ers.createAdviceAndGuidance", body)


def response(*changes: Json, outcome: str = RETURN, without: Sequence[str] = ()) -> list[Json]:
    """Return the parameters of A026."""
    parameters = [
        coding("guidanceOutcome", "GuidanceResponseOutcome", outcome),
        said("guidance", "Watch and wait."),
        coding("updatedPriority", "Priority", "ROUTINE"),
    ]
    if outcome == RETURN:
        parameters.append(recommendation("ADVICE_ONLY_NO_REFERRAL_RECOMMENDED"))
    return changed(parameters, changes, without)


def recommendation(code: str) -> Json:
    """Return the recommendation of the provider."""
    return coding("guidanceIntendedRecommendation", "GuidanceIntendedRecommendation", code)


def conversion(advice: Json, *changes: Json, without: Sequence[str] = (), version: str | None = None) -> Json:
    """Return the keyword arguments of A027 for a client's `post`."""
    origin = f"CommunicationRequest/{advice['id']}/_history/{version or advice['meta']['versionId']}"
    parameters = [
        {"name": "createFrom", "valueReference": {"reference": origin}},
        said("guidance", "We will see the patient."),
        coding("newReferralPriority", "Priority", "URGENT"),
        said("reviewComments", "Book the heart failure clinic."),
    ]
    body = parameters_of("CreateFromCommunicationRequestActionLater-Request", changed(parameters, changes, without))
    return posted("/STU3/ReferralRequest/$ers.createFromCommunicationRequestActionLater", body)


def own(name: str, parameters: list[Json]) -> Json:
    """Return a Parameters resource with one of this project's own profiles."""
    profile = f"urn:openers:profile:{name}-Request-Parameters-1"
    return {"resourceType": "Parameters", "meta": {"profile": [profile]}, "parameter": parameters}


def answers(avoided: bool = True, useful: bool = True) -> list[Json]:
    """Return the close-out answers of X002."""
    return [
        {"name": "referralAvoided", "valueBoolean": avoided},
        {"name": "adviceUseful", "valueBoolean": useful},
    ]


def worklist(*parameters: Json) -> Json:
    """Return the keyword arguments of A023 for a client's `post`."""
    wanted = concept("listType", f"{CS}eRS-CommunicationListSelector-1", "ADVICE_AND_GUIDANCE_REQUESTS")
    body = parameters_of("FetchWorklist", changed([wanted], parameters, ()))
    return posted("/STU3/CommunicationRequest/$ers.fetchworklist", body)


def concept(name: str, system: str, code: str) -> Json:
    """Return a parameter that holds a concept."""
    return {"name": name, "valueCodeableConcept": {"coding": [{"system": system, "code": code}]}}


def state_of(advice: Json) -> tuple[str, str]:
    """Return the state and the FHIR status of a request for advice."""
    return advice["category"][0]["coding"][0]["code"], advice["status"]


def priority_of(advice: Json) -> str:
    """Return the priority of a request for advice."""
    (shown,) = (each for each in advice["extension"] if each["url"].endswith("ReferralPriority-1"))
    return str(shown["valueCodeableConcept"]["coding"][0]["code"])


def texts_of(bundle: Json) -> list[tuple[str, str]]:
    """Return the category and text of each message, in the order of sending."""
    messages = [each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == "Communication"]
    messages.sort(key=lambda each: (each["sent"], int(each["id"])))
    return [(each["category"][0]["coding"][0]["code"], each["note"][0]["text"]) for each in messages]


def entries_of(listed: Json) -> list[str]:
    """Return the UBRNs on a worklist."""
    return [each["item"]["reference"].removeprefix("CommunicationRequest/") for each in listed.get("entry", [])]


def columns_of(listed: Json, ubrn: str) -> Json:
    """Return the values of one worklist entry by column name."""
    (entry,) = (each for each in listed["entry"] if each["item"]["reference"].endswith(ubrn))
    columns = entry["extension"][0]["extension"]
    return {each["url"]: next(value for name, value in each.items() if name.startswith("value")) for each in columns}


@dataclass
class Talk:
    """A service, and one client for each user."""

    run: Running
    gp: httpx.AsyncClient
    gp_admin: httpx.AsyncClient
    consultant: httpx.AsyncClient
    consultant_admin: httpx.AsyncClient
    provider_admin: httpx.AsyncClient
    consultant_elsewhere: httpx.AsyncClient
    gp_elsewhere: httpx.AsyncClient
    application: httpx.AsyncClient

    async def ask(self, *changes: Json, service: str = ADVICE, urgency: str = "ROUTINE") -> Json:
        """Send a request for advice to a provider (A044)."""
        reply = await self.gp.post(**question(*changes, services=(service,), of=criteria(priority=urgency)))
        assert reply.status_code == 200, reply.text
        return dict[str, Any](reply.json()["parameter"][0]["resource"])

    async def respond(
        self, advice: Json, *changes: Json, outcome: str = RETURN, by: httpx.AsyncClient | None = None
    ) -> httpx.Response:
        """Send the provider's response (A026)."""
        body = parameters_of("SendCommunicationToRequester-Request", response(*changes, outcome=outcome))
        return await self.send("ers.sendCommunicationToRequester", advice, body, by or self.consultant)

    async def reply(self, advice: Json, *parameters: Json, by: httpx.AsyncClient | None = None) -> httpx.Response:
        """Send the referrer's reply (X001)."""
        body = own("SendCommunicationToProvider", list(parameters or (said("reply", "The results are normal."),)))
        return await self.send("openers.sendCommunicationToProvider", advice, body, by or self.gp)

    async def close(self, advice: Json, *parameters: Json, by: httpx.AsyncClient | None = None) -> httpx.Response:
        """Close the conversation (X002)."""
        body = own("CloseAdviceAndGuidance", list(parameters))
        return await self.send("openers.closeAdviceAndGuidance", advice, body, by or self.gp)

    async def convert(self, advice: Json, *changes: Json, by: httpx.AsyncClient | None = None) -> httpx.Response:
        """Convert the request into a referral (A027)."""
        return await (by or self.consultant).post(**conversion(advice, *changes))

    async def send(self, name: str, advice: Json, body: Json, by: httpx.AsyncClient) -> httpx.Response:
        """Call an operation on a request for advice, with the version of `advice` in If-Match."""
        address = f"/STU3/CommunicationRequest/{advice['id']}/${name}"
        tag = {"If-Match": f'W/"{advice["meta"]["versionId"]}"'}
        return await by.post(address, json=body, headers={**HEADERS, **tag})

    async def read(self, advice: Json, by: httpx.AsyncClient | None = None) -> Json:
        """Return the request as A024 returns it now."""
        reply = await (by or self.gp).get(f"/STU3/CommunicationRequest/{advice['id']}")
        assert reply.status_code == 200, reply.text
        return dict[str, Any](reply.json())

    async def messages(
        self, advice: Json, *includes: str, by: httpx.AsyncClient | None = None, version: str | None = None
    ) -> httpx.Response:
        """Fetch the messages of the request (A025)."""
        based_on = f"CommunicationRequest/{advice['id']}/_history/{version or advice['meta']['versionId']}"
        asked: list[tuple[str, str | int | float | bool | None]] = [("based-on", based_on)]
        asked += [("_include", each) for each in includes]
        return await (by or self.gp).get("/STU3/Communication", params=asked)

    async def done(self, reply: httpx.Response) -> Json:
        """Return the request from the response of an act, which must have succeeded."""
        assert reply.status_code == 200, reply.text
        body = reply.json()
        return dict[str, Any](body["parameter"][0]["resource"] if "parameter" in body else body)

    async def attach(self, name: str, kind: str, of: str, advice: Json | None, by: httpx.AsyncClient) -> Json:
        """Upload a new file called `of`; return the parameter `name` that refers to it."""
        address = await uploaded(by, None if advice is None else advice["id"], of)
        return document(name, address, kind)

    async def listed(self, *parameters: Json, by: httpx.AsyncClient | None = None) -> Json:
        """Fetch the worklist (A023)."""
        reply = await (by or self.consultant).post(**worklist(*parameters))
        assert reply.status_code == 200, reply.text
        return dict[str, Any](reply.json())


async def gathered(run: Running) -> Talk:
    """Log in all users at this service."""
    return Talk(
        run=run,
        gp=await run.as_person(GP),
        gp_admin=await run.as_person(GP_ADMIN),
        consultant=await run.as_person(CONSULTANT),
        consultant_admin=await run.as_person(CONSULTANT_ADMIN),
        provider_admin=await run.as_person(PROVIDER_ADMIN),
        consultant_elsewhere=await run.as_person(CONSULTANT_ELSEWHERE),
        gp_elsewhere=await run.as_person(GP_ELSEWHERE),
        application=await run.as_application("demo-provider-app"),
    )


async def _answered(talk: Talk) -> Json:
    return await talk.done(await talk.respond(await talk.ask()))


STATES: Final[dict[str, Callable[[Talk], Awaitable[Json]]]] = {"advice": Talk.ask, "advice answered": _answered}
"""The requests for advice that operations are called on, with the functions that create them."""
