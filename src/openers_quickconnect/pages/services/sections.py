"""The sections of a service, and the controls of each: one table, from which pages, forms and differences are made.

A control names its place in the draft, with dots between levels. Source: rules part 3, chapters A.3 to A.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from openers_client.administration import Finding
from openers_quickconnect.words import PRIORITIES
from openers_web.parts.forms import Option

Kind = Literal["line", "text", "number", "day", "choice", "several", "yes-no", "codes", "lines"]
NOT_CHOSEN: Final = Option("", "Not decided yet")


@dataclass(frozen=True)
class Control:
    """A control: its place in the draft, label, kind, hint, and the options of a choice."""

    place: str
    label: str
    kind: Kind = "line"
    hint: str = ""
    options: tuple[Option, ...] = ()
    bounds: tuple[int, int] = (0, 366)
    """Least and most value of a number."""
    required: str = ""
    """What to say if it is left empty, where it may not be."""

    @property
    def name(self) -> str:
        """Return its name in forms."""
        return self.place.replace(".", "_")


@dataclass(frozen=True)
class Section:
    """A section: its name in addresses, its title, its controls, and further places that it covers."""

    name: str
    title: str
    controls: tuple[Control, ...]
    places: tuple[str, ...] = ()

    def covers(self, place: str) -> bool:
        """Return whether an attribute of the draft, as a JSON pointer, belongs to this section."""
        first = place.strip("/").partition("/")[0]
        return first in self.places or any(each.place.partition(".")[0] == first for each in self.controls)


FLOWS: Final = {
    "APPOINTMENT_REQUEST": "Appointment requests",
    "TRIAGE_REQUEST": "Triage requests",
    "ADVICE_AND_GUIDANCE_REQUEST": "Requests for advice",
}
BOOKABLE: Final = {
    "DIRECTLY_BOOKABLE": "Slots are booked here",
    "INDIRECTLY_BOOKABLE": "Patients ring to book",
    "UNSPECIFIED": "Nothing is booked",
}
APPOINTMENTS: Final = {
    "FIRST_OUTPATIENT": "First outpatient appointment",
    "ASSESSMENT_SERVICE": "Assessment service",
    "GPSI": "GP with a special interest",
    "AHP_CLINIC": "Allied health professional's clinic",
    "DIAGNOSTIC": "Diagnostic test",
    "NURSE_CLINIC": "Nurse clinic",
    "OPHTHALMOLOGIST": "Ophthalmologist",
    "TELEPHONE_ASSESSMENT": "Assessment by telephone",
    "DAY_CASE": "Day case",
}
SEXES: Final = {"MALE_AND_FEMALE": "Women and men", "FEMALE": "Women only", "MALE": "Men only"}
REQUIREMENTS: Final = {"INTERPRETER": "Interpreter", "TRANSPORT": "Transport", "ADVOCACY": "Advocacy"}
RESERVED: Final = {"0": "Not at all", "1": "One day", "2": "Two days"}
REACH: Final = {
    "true": "Every referrer in England",
    "false": "Only the organisations below, and those whose commissioner has a rule",
}
CONTACTS: Final = {
    "contacts.patients_phone": ("Telephone for patients", True, "phone"),
    "contacts.patients_email": ("Email for patients", True, "email"),
    "contacts.professionals_phone": ("Telephone for professionals", False, "phone"),
    "contacts.professionals_email": ("Email for professionals", False, "email"),
}
"""Places of contacts: label, whether they are for patients, and the kind."""
CURES: Final = {
    "/gender": "choose whom it treats",
    "/ages": "enter the ages, or save the section without for all ages",
    "/commissioning": "choose who may refer",
    "/appointment_type": "choose one",
    "/bookable": "link the service to a PAS, or let patients ring to book",
}
"""What to do on pages where the API speaks of its own values, by the place of a finding."""
ODS_CODES: Final = "ODS codes, with a blank between them"


def _options(words: dict[str, str]) -> tuple[Option, ...]:
    return tuple(Option(code, text) for code, text in words.items())


def _windows() -> tuple[Control, ...]:
    return tuple(
        control
        for code, text in PRIORITIES.items()
        for control in (
            Control(
                f"slot_rules.windows.{code}.starts_after_hours",
                f"{text}: first slot after (hours)",
                "number",
                bounds=(1, 10_000),
            ),
            Control(f"slot_rules.windows.{code}.ends_after_days", f"{text}: last slot within (days)", "number"),
        )
    )


SECTIONS: Final = (
    Section(
        "name",
        "Name and place",
        (
            Control(
                "name",
                "Name of the service",
                hint="As referrers see it. No other service may have it.",
                required="Enter the name of the service",
            ),
            Control("site", "Site", "choice", required="Choose a site"),
            Control("location_name", "Place at the site", hint="For example North wing. Empty: the name of the site."),
            Control(
                "workgroup", "Workgroup", hint="It sees the referrals, and never changes. For example RCD/Cardiology"
            ),
            Control("opens_on", "First day", "day", "Empty: from today"),
            Control("closes_on", "Last day", "day", "Empty: no end"),
        ),
    ),
    Section(
        "requests",
        "Requests and priorities",
        (
            Control("flows", "The service accepts", "several", "Not both appointments and triage", _options(FLOWS)),
            Control("priorities", "Priorities", "several", options=_options(PRIORITIES)),
            Control("appointment_type", "Type of appointment", "choice", options=(NOT_CHOSEN, *_options(APPOINTMENTS))),
            Control(
                "bookable",
                "How appointments are booked",
                "choice",
                options=(Option("", "As the PAS link says"), *_options(BOOKABLE)),
            ),
            Control("advice_response_hours", "Advice is given within (working hours)", "number"),
        ),
    ),
    Section("clinic-types", "Clinic types", (), ("clinic_types",)),
    Section(
        "patients",
        "Patients",
        (
            Control("gender", "The service treats", "choice", options=(NOT_CHOSEN, *_options(SEXES))),
            Control("ages.lowest", "From age (years)", "number", "Empty: no limit", bounds=(0, 130)),
            Control("ages.highest", "Up to age (years)", "number", "Empty: no limit", bounds=(0, 130)),
        ),
    ),
    Section(
        "referrers",
        "What referrers read",
        (
            Control("referrer_alert", "Alert", "text", "Shown first, for example: please send an ECG"),
            Control("conditions_treated", "Conditions treated", "text"),
            Control("exclusions", "Exclusions", "text"),
            Control("suggested_investigations", "Suggested investigations", "text"),
            Control("letter_required", "Is a referral letter needed?", "yes-no"),
            Control("letter_freeze_days", "Letters stay as they are from (days before the appointment)", "number"),
            Control("additional_requirements", "The service can arrange", "several", options=_options(REQUIREMENTS)),
        ),
    ),
    Section(
        "contacts",
        "Hours, contacts and waits",
        (
            Control("hours_of_operation", "Hours", "text"),
            Control("instructions", "Instructions for patients", "text"),
            *(Control(place, label) for place, (label, _, _) in CONTACTS.items()),
            Control("appointment_wait_days", "Usual wait for an appointment (days)", "number"),
            Control("treatment_wait_days", "Usual wait for treatment (days)", "number"),
            Control("low_capacity", "Is there little capacity now?", "yes-no"),
        ),
    ),
    Section(
        "clinicians",
        "Clinicians",
        (
            Control("allocated_clinicians", "Work at the service", "several"),
            Control("clinicians", "Can be found by name", "several"),
        ),
    ),
    Section(
        "access",
        "Who may refer",
        (
            Control(
                "commissioning.nationally_available",
                "Who may refer?",
                "choice",
                options=(NOT_CHOSEN, *_options(REACH)),
            ),
            Control("commissioning.organisations", "Organisations that may refer without a rule", "codes", ODS_CODES),
            Control("restriction.reason", "Why the service is restricted", hint="Empty: it is not restricted"),
            Control("restriction.organisations", "Organisations with a pathway into it", "codes", ODS_CODES),
            Control("restriction.referrers", "People with a pathway into it", "codes", "User ids, with blanks"),
            Control("restriction.services", "Services whose staff may refer onward", "codes", "Numbers, with blanks"),
        ),
    ),
    Section(
        "slots",
        "Slots",
        (
            Control("slot_rules.polling_range_days", "The PAS is polled this far ahead (days)", "number"),
            Control(
                "slot_rules.reservation_days",
                "New slots are reserved for the provider for",
                "choice",
                options=_options(RESERVED),
            ),
            *_windows(),
        ),
    ),
)
"""The sections in the order of the list."""


def section_named(name: str) -> Section | None:
    """Return the section with this name in addresses."""
    return next((each for each in SECTIONS if each.name == name), None)


def section_of(place: str) -> Section:
    """Return the section of a place in the draft, a JSON pointer; the first one if no section has it."""
    return next((each for each in SECTIONS if each.covers(place)), SECTIONS[0])


def told(finding: Finding) -> str:
    """Return cause and cure of a finding as a sentence."""
    return f"{finding.detail[:1].upper()}{finding.detail[1:]}: {CURES.get(finding.place, finding.cure)}."


def label_of(place: str) -> str:
    """Return what a place in the draft, a JSON pointer, is called on pages."""
    dotted = place.strip("/").replace("/", ".")
    controls = [control for section in SECTIONS for control in section.controls]
    exact = next((each.label for each in controls if each.place == dotted), None)
    return exact or f"{section_of(place).title}: {dotted.rpartition('.')[2].replace('_', ' ')}"
