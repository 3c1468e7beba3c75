"""One address of one operation, and how it is called and answered; `expectations.py` has them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.kit.files.samples import Sample, letter, upload
from tests.kit.referrals.rig import cancellation, deferral
from tests.kit.referrals.stage import TRIAGE, Stage
from tests.kit.referrals.talk import conversion
from tests.kit.service.requests import HEADERS, Json

OUTCOME: Final = "application/fhir+json"
PDF: Final = "application/pdf"


@dataclass(frozen=True)
class Expected:
    """One address of one operation. `path` holds the name of what is on the stage in braces, where one is named.

    `etag` and `location` are their form, if any, `cache` is Cache-Control and `media` the type of what is answered;
    `headers` are those that it needs besides the usual ones. `makes`, `cancels`, `letters` and `converts` say what its
    body asks for where that is of a request or an appointment that exists; `file` is what is uploaded. `on` is the
    request that an act is done with, which a success uses up; `who` is a function that may call it. `variant` tells two
    requests apart that go to one address.
    """

    number: str
    method: str
    template: str
    path: str
    success: int = 200
    etag: str | None = None
    cache: str = "no-store"
    location: str | None = None
    media: str | None = OUTCOME
    body: Json | None = None
    query_required: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    makes: bool = False
    cancels: bool = False
    letters: bool = False
    converts: bool = False
    file: Sample | None = None
    accepts_anything: bool = False
    on: str = ""
    who: str = "RC"
    variant: str = ""

    @property
    def fhir(self) -> str:
        """The FHIR version, as it stands in the path."""
        return self.path.split("/")[1]

    @property
    def name(self) -> str:
        """A name for the address: some operations have two."""
        variant = self.variant or ("versioned" if "_history" in self.template else "")
        return f"{self.number}-{variant}" if variant else self.number

    @property
    def names_a_referrer(self) -> bool:
        """Whether an admin says in the body which clinician they work for."""
        return self.number in ("A010", "A011", "A021", "A044")

    @property
    def is_paper(self) -> bool:
        """Whether a PDF is answered, for which nothing is sent."""
        return self.media == PDF

    @property
    def has_body(self) -> bool:
        """Whether FHIR JSON is sent."""
        return self.method in ("POST", "PUT") and self.file is None and self.number != "A013" and not self.is_paper

    async def address(self, stage: Stage) -> str:
        """Where it is called."""
        booked = (await stage.booked())["id"] if "{booked}" in self.path else ""
        unbooked = (await stage.unbooked())["id"] if "{unbooked}" in self.path else ""
        known = {
            "{ubrn}": (await stage.made(self.on))["id"] if self.on else stage.ubrn,
            "{appointment}": stage.appointment,
            "{booked}": booked,
            "{unbooked}": unbooked,
            "{file}": stage.file,
        }
        address = self.path
        for name, value in known.items():
            address = address.replace(name, value)
        return address

    async def content(self, stage: Stage) -> Json | None:
        """A valid body."""
        if self.makes:
            return deferral(await stage.unbooked(), "TRIAGE", TRIAGE)
        if self.converts:
            return dict[str, Any](conversion(await stage.made(self.on))["json"])
        if self.letters:
            return letter(await upload(stage.rig.gp, ubrn=(await stage.unbooked())["id"]))
        return cancellation(await stage.booked(), "PATIENT_ILL") if self.cancels else self.body

    async def call(
        self, client: httpx.AsyncClient, stage: Stage, headers: Mapping[str, str] | None = None, **instead: Any
    ) -> httpx.Response:
        """A valid call, with these headers; `instead` replaces arguments of the request (`method`, `url`, `json`)."""
        arguments: dict[str, Any] = {"method": self.method, "url": await self.address(stage)}
        version: dict[str, str] = {}
        if self.on:
            version["If-Match"] = f'W/"{(await stage.made(self.on))["meta"]["versionId"]}"'
        if self.has_body and "content" not in instead and "json" not in instead:
            arguments["json"] = await self.content(stage)
        more = {**self.headers, **version, **(HEADERS if self.has_body else {})}
        if self.file is not None:
            arguments["content"] = self.file.content
            more |= {"NHSD-eRS-File-Name": self.file.name, "Content-Type": self.file.media_type}
        reply = await client.request(**{**arguments, **instead}, headers={**more, **(headers or {})})
        if reply.is_success:
            self.used_up(stage)
        return reply

    def used_up(self, stage: Stage) -> None:
        """Have the stage make anew what a success has used up."""
        if self.makes or self.cancels or self.letters:
            stage.used_up(booked=self.cancels)
        if self.on:
            stage.used(self.on)
