"""The rules for single records. Each function raises Unfit, which names the first broken rule.

The shape of each value (types, lengths, formats) was checked when the request was read.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from openers.domain.administration.rights import Resource
from openers.domain.booking import PasLink
from openers.domain.codes import BookableType, CodeSystemName, RequestFlow
from openers.domain.credentials import AccessMode, Application
from openers.domain.directory import Organisation, OrganisationKind, Service, Site, User
from openers.domain.endpoints.endpoint import Endpoint
from openers.domain.identifiers import OdsCode, ServiceId
from openers.domain.patient import Patient
from openers.domain.principal import APPLICATION_FUNCTIONS, SPC
from openers.domain.services.access import CommissioningRule, Restriction
from openers.usecases.administration.refusals import Missing, Unfit
from openers.usecases.booking.link_pas import is_plain
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

_OF_APPLICATIONS: Final = ", ".join(sorted(APPLICATION_FUNCTIONS))


async def organisation(new: Organisation, _old: Organisation | None, _world: World, tx: Tx) -> None:
    """Check that the commissioner is one."""
    if new.commissioner is not None:
        found = await _organisation(new.commissioner, "/commissioner", tx)
        if found.kind is not OrganisationKind.COMMISSIONER:
            raise Unfit(f"{new.commissioner} is a {found.kind}", "/commissioner", "name a COMMISSIONER")


async def nothing(_new: Any, _old: Any, _world: World, _tx: Tx) -> None:
    """Check nothing more."""


async def site(new: Site, _old: Site | None, _world: World, tx: Tx) -> None:
    """Check that the organisation exists."""
    await _organisation(new.organisation, "/organisation", tx)


async def person(new: User, _old: User | None, _world: World, tx: Tx) -> None:
    """Check roles and workgroups."""
    seen: set[tuple[OdsCode, bool]] = set()
    for index, role in enumerate(new.roles):
        place = f"/roles/{index}"
        if (role.organisation, role.from_claims) in seen:
            raise Unfit(f"{role.organisation} has two roles", place, "put all functions at it into one role")
        seen.add((role.organisation, role.from_claims))
        await _organisation(role.organisation, f"{place}/organisation", tx)
        for number, function in enumerate(role.functions):
            if function in APPLICATION_FUNCTIONS:
                cure = f"register an application instead; {_OF_APPLICATIONS} are for applications alone"
                raise Unfit(f"a person cannot have {function}", f"{place}/functions/{number}", cure)
    for name in sorted(new.workgroups):
        if name.partition("/")[0] not in {role.organisation for role in new.roles}:
            cure = "write it as ODS code, slash and name, and give the person a role at that organisation"
            raise Unfit(
                f"the workgroup {name} is not of an organisation where the person has a role", "/workgroups", cure
            )


async def application(new: Application, _old: Application | None, world: World, tx: Tx) -> None:
    """Check that the registration fits the access mode."""
    if new.mode is AccessMode.USER_RESTRICTED:
        if not new.redirect_uris:
            raise Unfit("an application for people has no redirect address", "/redirect_uris", "register one at least")
        if new.function or new.organisation or new.user:
            cure = "leave organisation, function and user out: the person who logs in has them"
            raise Unfit("an application for people has no role of its own", "/function", cure)
    elif new.redirect_uris:
        raise Unfit("people do not log in to this application", "/redirect_uris", "leave the redirect addresses out")
    await _role_of_application(new, tx)
    has_key = bool(new.keys.get("keys")) or new.jwks_uri is not None
    if not has_key and new.secret_sha256 is None:
        raise Unfit("the application cannot authenticate", "/keys", "register a public key")
    if new.mode is AccessMode.APPLICATION_RESTRICTED and not has_key:
        raise Unfit("an application that acts for itself needs a key", "/keys", "register a public key")


async def _role_of_application(new: Application, tx: Tx) -> None:
    role = (new.organisation, new.function, new.user)
    if role == (None, None, None):
        return
    if None in role:
        cure = "give organisation, function and user together, or none of them"
        raise Unfit("the role of the application is incomplete", "/function", cure)
    if new.function not in APPLICATION_FUNCTIONS:
        raise Unfit(f"an application cannot have {new.function}", "/function", f"use one of {_OF_APPLICATIONS}")
    if new.organisation is not None:
        await _organisation(new.organisation, "/organisation", tx)


async def service(new: Service, old: Service | None, world: World, tx: Tx) -> None:
    """Check the references of a service, its codes and what a published service may not change."""
    provider = await _organisation(new.organisation, "/organisation", tx)
    if provider.kind is not OrganisationKind.PROVIDER:
        raise Unfit(f"{new.organisation} is a {provider.kind}", "/organisation", "name a PROVIDER")
    place = await tx.directory.site(new.site)
    if place is None:
        cure = "register the site first"
        raise Missing(f"there is no site {new.site}", "/site", cure, (Resource.SITES, new.site))
    if place.organisation != new.organisation:
        raise Unfit(f"{new.site} is not a site of {new.organisation}", "/site", "register the site first")
    if not new.workgroup.startswith(f"{new.organisation}/"):
        raise Unfit(
            f"the workgroup {new.workgroup} is not of {new.organisation}", "/workgroup", "begin it with its ODS code"
        )
    draft = await tx.registers.drafts.get(new.id)
    if old is None and draft is not None:
        raise Unfit(f"{new.id} is the number of a draft", "/id", "publish the draft, or use another number")
    if old is not None and (old.organisation, old.workgroup) != (new.organisation, new.workgroup):
        cure = "register another service: the workgroup decides who sees the referrals that this one has"
        raise Unfit("a service keeps its organisation and its workgroup", "/workgroup", cure)
    _flows(new.flows)
    _ages(new)
    _codes(new, world)
    await _clinicians(new, tx)
    await _organisations(new.commissioning.organisations, "/commissioning/organisations", tx)
    if new.restriction is not None:
        await _pathways(new.restriction, new.id, tx)


async def authorised_workgroups(restriction: Restriction | None, tx: Tx) -> frozenset[str]:
    """Return the workgroups of the services in the pathways, whose staff may refer into a restricted service."""
    wanted = () if restriction is None else sorted(restriction.services)
    return frozenset(each.value.workgroup for each in await tx.registers.services.several(wanted))


async def link(new: PasLink, _old: PasLink | None, _world: World, tx: Tx) -> None:
    """Check that the service can have a PAS and that the application exists."""
    if not is_plain(new.url) or new.url.endswith("/"):
        raise Unfit(
            "the address of the PAS is not usable", "/url", "write it as https://host/path, without a slash at its end"
        )
    if not await _is_directly_bookable(new.service, tx):
        raise Unfit(f"service {new.service} is not directly bookable", "/service", "change the service first")
    if await tx.directory.application(new.client_id) is None:
        cure, known = "register the application of the PAS first", (Resource.APPLICATIONS, new.client_id)
        raise Missing(f"there is no application {new.client_id}", "/client_id", cure, known)


async def _is_directly_bookable(service: ServiceId, tx: Tx) -> bool:
    """Return whether a live service, or else its draft, can have a PAS. Raises Unfit if there is neither."""
    draft = await tx.registers.drafts.get(service)
    live = await tx.directory.service(service)
    if live is not None and live.value.bookable is BookableType.DIRECTLY_BOOKABLE:
        return True
    if draft is not None:
        undecided = not draft.value.flows and draft.value.bookable is None
        return undecided or draft.value.booked_how(linked=True) is BookableType.DIRECTLY_BOOKABLE
    if live is None:
        cure = "register the service first"
        raise Missing(f"there is no service {service}", "/service", cure, (Resource.SERVICES, service))
    return False


async def rule(new: CommissioningRule, _old: CommissioningRule | None, _world: World, tx: Tx) -> None:
    """Check that the service exists and leaves it to commissioners who may refer, and that one makes the rule."""
    if new.id != f"{new.service}-{new.commissioner}":
        cure = f"use {new.service}-{new.commissioner}"
        raise Unfit("the key is not that of this service and this commissioner", "/id", cure)
    commissioner = await _organisation(new.commissioner, "/commissioner", tx)
    if commissioner.kind is not OrganisationKind.COMMISSIONER:
        raise Unfit(f"{new.commissioner} is a {commissioner.kind}", "/commissioner", "name a COMMISSIONER")
    stored = await tx.directory.service(new.service)
    if stored is None:
        raise Unfit(f"there is no live service {new.service}", "/service", "let it be published first")
    if new.active and stored.value.commissioning.nationally_available:
        raise Unfit(f"everybody may refer to service {new.service}", "/service", "a rule is not needed")


async def endpoint(new: Endpoint, _old: Endpoint | None, _world: World, tx: Tx) -> None:
    """Check that the organisation exists, and that no other endpoint has one of the certificates."""
    await _organisation(new.organisation, "/organisation", tx)
    for index, each in enumerate(new.certificates):
        other = await tx.registers.endpoints.of_certificate(each.fingerprint)
        if other is not None and other.asid != new.asid:
            cure = "remove it there first, or issue another one"
            place = f"/certificates/{index}/fingerprint"
            raise Unfit(f"the certificate is registered for the endpoint {other.asid}", place, cure)


async def patient(new: Patient, _old: Patient | None, world: World, tx: Tx) -> None:
    """Check the source of patients, the practice and the dates."""
    if world.mirroring is not None:
        cause = "patients come from the Personal Demographics Service (PDS) here"
        raise Unfit(cause, "path", "change the record there; the service asks PDS when it needs it")
    if new.practice is not None:
        practice = await _organisation(new.practice, "/practice", tx)
        if practice.kind is not OrganisationKind.GP_PRACTICE:
            raise Unfit(f"{new.practice} is a {practice.kind}", "/practice", "name a GP_PRACTICE")
    if new.died is not None and new.died < new.born:
        raise Unfit("the date of death is before the date of birth", "/died", "correct one of the two")


async def _organisation(ods: OdsCode, place: str, tx: Tx) -> Organisation:
    found = await tx.directory.organisation(ods)
    if found is None:
        cure = "register the organisation first"
        raise Missing(f"there is no organisation {ods}", place, cure, (Resource.ORGANISATIONS, ods))
    return found


def _flows(flows: Collection[RequestFlow]) -> None:
    if not flows:
        raise Unfit("the service accepts no kind of request", "/flows", "name one flow at least")
    if {RequestFlow.APPOINTMENT_REQUEST, RequestFlow.TRIAGE_REQUEST} <= set(flows):
        cure = "leave one of them out: no service accepts both"
        raise Unfit("the service accepts both appointment and triage requests", "/flows", cure)


def _ages(new: Service) -> None:
    lowest, highest = new.ages.lowest, new.ages.highest
    if lowest is not None and highest is not None and lowest > highest:
        raise Unfit("the lowest age is above the highest", "/ages/lowest", "exchange the two")


def _codes(new: Service, world: World) -> None:
    """Check the pairs of specialty and clinic type against the code systems."""
    specialties = world.reference.code_system(CodeSystemName.SPECIALTY).concepts
    clinic_types = world.reference.code_system(CodeSystemName.CLINIC_TYPE).concepts
    for index, (specialty, clinic_type) in enumerate(new.clinic_types):
        if specialty not in specialties:
            raise Unfit(f"{specialty} is not a specialty", f"/clinic_types/{index}/0", "use a code of SPECIALTY (A004)")
        known = clinic_types.get(clinic_type)
        if known is None or specialty not in known.values("specialty"):
            cure = f"use a code of CLINIC_TYPE (A004) that belongs to {specialty}"
            raise Unfit(f"{clinic_type} is not a clinic type of {specialty}", f"/clinic_types/{index}/1", cure)


async def _clinicians(new: Service, tx: Tx) -> None:
    """Check that named and allocated clinicians are people who may review at the organisation."""
    wanted = sorted(new.clinicians | new.allocated_clinicians)
    people = {each.key: each.value for each in await tx.registers.people.several(wanted)}
    for each in wanted:
        place = "/clinicians" if each in new.clinicians else "/allocated_clinicians"
        if each not in people:
            cure = f"register the person, with the function {SPC} at {new.organisation}, first"
            raise Missing(f"there is no person {each}", place, cure, (Resource.PEOPLE, each))
        if not people[each].holds(SPC, new.organisation):
            cure = f"give the person the function {SPC} at {new.organisation} first"
            raise Unfit(f"{each} is not a {SPC} at {new.organisation}", place, cure)


async def _organisations(wanted: Collection[OdsCode], place: str, tx: Tx) -> None:
    known = {each.key for each in await tx.registers.organisations.several(sorted(wanted))}
    _check_known("organisation", (wanted, known), place, Resource.ORGANISATIONS)


async def _pathways(new: Restriction, own: ServiceId, tx: Tx) -> None:
    """Check that the people, organisations and services of the pathways exist."""
    await _organisations(new.organisations, "/restriction/organisations", tx)
    people = {each.key for each in await tx.registers.people.several(sorted(new.referrers))}
    _check_known("person", (new.referrers, people), "/restriction/referrers", Resource.PEOPLE)
    services = {each.key for each in await tx.registers.services.several(sorted(new.services))}
    _check_known("service", (new.services, {*services, own}), "/restriction/services", Resource.SERVICES)


def _check_known(what: str, wanted: tuple[Collection[str], Collection[str]], place: str, resource: Resource) -> None:
    """Raise Missing for the first name among the first ones that is not among the second ones."""
    for each in sorted(set(wanted[0]) - set(wanted[1])):
        cure = f"register the {what} first, or leave it out"
        raise Missing(f"there is no {what} {each}", place, cure, (resource, each))
