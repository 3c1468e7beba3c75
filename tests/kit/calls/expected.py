"""The type `Expected`: one address of one operation, a valid call and its response. See `expectations.py`."""

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
    """Describe one address of one operation. Braces in `path` are placeholders for records of the stage.

    `etag` and `location` are patterns of these response headers, `cache` is Cache-Control and `media` the response's
    type. `headers` are additional request headers. `makes`, `cancels`, `letters` and `converts` select a body that
    refers to an existing request or appointment. `file` is the file to upload. `on` is the state of the record that the
    act needs; a successful call uses up that record. `who` is a business function that may call the operation.
    `variant` distinguishes two requests to the same address.
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
        """Return the FHIR version from the path."""
        return self.path.split("/")[1]

    @property
    def name(self) -> str:
        """Return a name for the address, because some operations have two addresses."""
        variant = self.variant or ("versioned" if "_history" in self.template else "")
        return f"{self.number}-{variant}" if variant else self.number

    @property
    def names_a_referrer(self) -> bool:
        """Return whether an admin must name the clinician in the body."""
        return self.number in ("A010", "A011", "A021", "A044")

    @property
    def is_paper(self) -> bool:
        """Return whether the response is a PDF. Such calls have no request body."""
        return self.media == PDF

    @property
    def has_body(self) -> bool:
        """Return whether the request body is FHIR JSON."""
        return self.method in ("POST", "PUT") and self.file is None and self.number != "A013" and not self.is_paper

    async def address(self, stage: Stage) -> str:
        """Return the address with its placeholders replaced by records of the stage."""
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
        """Return a valid body."""
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
        """Send a valid call with these headers; `instead` replaces request arguments (`method`, `url`, `json`)."""
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
        """Tell the stage which records a successful call used up, so that it creates new ones."""
        if self.makes or self.cancels or self.letters:
            stage.used_up(booked=self.cancels)
        if self.on:
            stage.used(self.on)
