"""Check that the parts of a pack fit each other: keys are unique, and references exist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from openers.usecases.directory.load_records import LoadRecords
from openers.worlds.packs.acts import form_names
from openers.worlds.packs.pack import Pack


def faults(pack: Pack) -> Iterator[str]:
    """Yield each inconsistency between the parts, with its place."""
    yield from _repeated("organisations", (each.ods for each in pack.organisations))
    yield from _repeated("sites", (each.ods for each in pack.sites))
    yield from _repeated("users", (each.id for each in pack.users))
    yield from _repeated("services", (each.id for each in pack.services))
    yield from _repeated("applications", (each.client_id for each in pack.applications))
    yield from _repeated("endpoints", (each.asid for each in pack.endpoints))
    yield from _repeated("patients", (each.nhs_number for each in pack.patients))
    organisations = {each.ods for each in pack.organisations}
    for place, code in _organisations_named(pack):
        yield from _missing(place, code, organisations, "organisation")
    yield from _misfits_of_services(pack)
    yield from _misfits_of_acts(pack)
    yield from _misfits_of_roles(pack)
    for index, scene in enumerate(pack.scenes):
        if scene.as_it_is and scene.records != LoadRecords():
            yield f"$.scenes[{index}].records: `as_it_is` uses the records of the base world: remove one of the two"


def _repeated(section: str, keys: Iterable[str]) -> Iterator[str]:
    return (f"$.{section}: {key} occurs {times} times" for key, times in Counter(keys).items() if times > 1)


def _missing(place: str, key: str, known: Collection[str], what: str) -> Iterator[str]:
    if key not in known:
        yield f"{place}: there is no {what} {key}"


def _organisations_named(pack: Pack) -> Iterator[tuple[str, str]]:
    """Yield each referenced organisation with its place."""
    for index, site in enumerate(pack.sites):
        yield f"$.sites[{index}].organisation", site.organisation
    for index, user in enumerate(pack.users):
        yield from ((f"$.users[{index}].roles", role.organisation) for role in user.roles)
        yield from ((f"$.users[{index}].workgroups", name.partition("/")[0]) for name in sorted(user.workgroups))
    for index, service in enumerate(pack.services):
        yield f"$.services[{index}].organisation", service.organisation
        admitted = sorted(service.commissioning.organisations)
        yield from ((f"$.services[{index}].commissioning", organisation) for organisation in admitted)
    for index, application in enumerate(pack.applications):
        if application.organisation is not None:
            yield f"$.applications[{index}].organisation", application.organisation
    for index, endpoint in enumerate(pack.endpoints):
        yield f"$.endpoints[{index}].organisation", endpoint.organisation
    for index, patient in enumerate(pack.patients):
        if patient.practice is not None:
            yield f"$.patients[{index}].practice", patient.practice
    if pack.crowd is not None:
        yield from (("$.crowd.practices", practice) for practice in pack.crowd.practices)


def _misfits_of_services(pack: Pack) -> Iterator[str]:
    """Yield services at another organisation's site or workgroup, without a clinic type, or with unknown clinicians."""
    sites = {(each.ods, each.organisation) for each in pack.sites}
    people = {each.id for each in pack.users}
    for index, service in enumerate(pack.services):
        place = f"$.services[{index}]"
        if not service.clinic_types:
            yield f"{place}.clinic_types: give at least one pair of specialty and clinic type"
        if (service.site, service.organisation) not in sites:
            yield f"{place}.site: {service.organisation} has no site {service.site}"
        if not service.workgroup.startswith(f"{service.organisation}/"):
            yield f"{place}.workgroup: {service.workgroup} is not a workgroup of {service.organisation}"
        for clinician in sorted(service.clinicians):
            yield from _missing(f"{place}.clinicians", clinician, people, "user")


def _misfits_of_acts(pack: Pack) -> Iterator[str]:
    """Yield acts with an unknown actor or form, and clinics with an unknown service."""
    for index, act in enumerate(pack.acts):
        yield from _missing(f"$.acts[{index}].by", act.by, pack.actors, "actor")
        yield from _missing(f"$.acts[{index}].form", act.form, form_names(), "form")
    services = {each.id for each in pack.services}
    for index, clinic in enumerate(pack.clinics):
        for service in clinic.services:
            yield from _missing(f"$.clinics[{index}].services", service, services, "service")


def _misfits_of_roles(pack: Pack) -> Iterator[str]:
    """Yield each user in `open_to` who is unknown or does not have the function."""
    people = {each.id: each for each in pack.users}
    for function, user in pack.open_to.items():
        yield from _missing(f"$.open_to.{function}", user, people, "user")
        if user in people and not any(function in role.functions for role in people[user].roles):
            yield f"$.open_to.{function}: {user} does not have this function at any organisation"
    for user in pack.portal_operators:
        yield from _missing("$.portal_operators", user, people, "user")
