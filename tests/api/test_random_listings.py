"""Searches in generated directories return the same as a second, simple implementation of rules 4 (A010).

The reference checks every service against each criterion and sorts at the end. The index must find the same services in
the same order, regardless of its structure and cache.
"""

from __future__ import annotations

from datetime import date
from math import hypot
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from openers.domain.codes import GenderTreated, Priority, RequestFlow, RequestType, SortBy
from openers.domain.directory import AgeRange, Commissioning
from openers.domain.geography import Point
from openers.domain.identifiers import OdsCode, Postcode, ServiceId, UserId
from openers.domain.listings import Listings
from openers.domain.patient import Sex
from openers.domain.search import Listing, SearchCriteria, ServiceFilter
from openers.domain.services.access import Referrer, Restriction

PAIRS: Final = (("CARDIOLOGY", "HEART_FAILURE"), ("CARDIOLOGY", "ARRHYTHMIA"), ("UROLOGY", "PROSTATE"))
PEOPLE: Final = tuple(UserId(f"{n:012d}") for n in range(3))
PRACTICES: Final = (OdsCode("D1"), OdsCode("D2"))
PROVIDERS: Final = (OdsCode("R1"), OdsCode("R2"))
SITES: Final = (OdsCode("R101"), OdsCode("R201"))
FLOWS: Final = (
    (RequestFlow.APPOINTMENT_REQUEST,),
    (RequestFlow.TRIAGE_REQUEST,),
    (RequestFlow.ADVICE_AND_GUIDANCE_REQUEST,),
    (RequestFlow.APPOINTMENT_REQUEST, RequestFlow.ADVICE_AND_GUIDANCE_REQUEST),
    (RequestFlow.TRIAGE_REQUEST, RequestFlow.ADVICE_AND_GUIDANCE_REQUEST),
)
METRES_PER_MILE: Final = 1609.344
DAY: Final = date(2026, 11, 23)
DAYS: Final = (date(2026, 11, 1), DAY, date(2026, 12, 1))
COMMISSIONERS: Final = (OdsCode("Q1"), OdsCode("Q2"))
WORKGROUPS: Final = ("R1/A", "R2/A")


def mostly(usual: Any, other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return the usual value, which excludes nothing, in most cases. Otherwise most searches would find no service."""
    return st.integers(0, 4).flatmap(lambda die: st.just(usual) if die else other)


POINTS = st.builds(Point, st.integers(0, 4).map(lambda n: n * 8000), st.integers(0, 4).map(lambda n: n * 8000))
AGES = st.builds(AgeRange, st.none() | st.integers(0, 60), st.none() | st.integers(10, 90))
RESTRICTIONS = st.builds(
    Restriction,
    reason=st.just("tertiary"),
    referrers=st.frozensets(st.sampled_from(PEOPLE), max_size=1),
    organisations=st.frozensets(st.sampled_from(PRACTICES), max_size=1),
    workgroups=st.frozensets(st.sampled_from(WORKGROUPS), max_size=1),
)
LISTINGS = st.builds(
    Listing,
    id=st.integers(1, 40).map(lambda n: ServiceId(str(n))),
    name=st.sampled_from(("A clinic", "another Clinic", "Other Clinic")),
    organisation=st.sampled_from(PROVIDERS),
    site=st.sampled_from(SITES),
    flows=mostly(FLOWS[3], st.sampled_from(FLOWS)),
    priorities=mostly(frozenset(Priority), st.frozensets(st.sampled_from(Priority), min_size=1)),
    clinic_types=st.lists(st.sampled_from(PAIRS), min_size=1, max_size=3, unique=True).map(tuple),
    clinicians=st.frozensets(st.sampled_from(PEOPLE)),
    commissioning=mostly(
        Commissioning(), st.builds(Commissioning, st.booleans(), st.frozensets(st.sampled_from(PRACTICES)))
    ),
    gender=mostly(GenderTreated.MALE_AND_FEMALE, st.sampled_from(GenderTreated)),
    ages=mostly(AgeRange(), AGES),
    wait_days=st.none() | st.integers(0, 40),
    point=st.none() | POINTS,
    opens_on=mostly(None, st.sampled_from(DAYS)),
    closes_on=mostly(None, st.sampled_from(DAYS)),
    restriction=mostly(None, RESTRICTIONS),
    rules=st.lists(st.tuples(st.sampled_from(COMMISSIONERS), st.sampled_from(DAYS)), max_size=2).map(tuple),
)
DIRECTORIES = st.lists(LISTINGS, min_size=3, max_size=12, unique_by=lambda each: each.id)


@st.composite
def filters(draw: st.DrawFn) -> ServiceFilter:
    """Generate any filter that the use cases can create."""
    criteria = SearchCriteria(
        priority=draw(st.sampled_from(Priority)),
        age_and_gender_appropriate=True,
        named_clinician=draw(mostly(None, st.sampled_from(PEOPLE))),
        organisation=draw(mostly(None, st.sampled_from((*PROVIDERS, *SITES)))),
        wait_limit_days=draw(mostly(None, st.integers(10, 40))),
        postcode=Postcode("LS1 4EY"),
        distance_limit_miles=draw(mostly(None, st.integers(5, 25))),
    )
    return ServiceFilter(
        request_type=draw(st.sampled_from(RequestType)),
        criteria=criteria,
        pairs=draw(st.none() | st.frozensets(st.sampled_from(PAIRS))),
        referrer=Referrer(
            rules_of=draw(st.sampled_from(PRACTICES)),
            commissioner=draw(st.none() | st.sampled_from(COMMISSIONERS)),
            organisation=draw(st.sampled_from(PRACTICES)),
            user=draw(st.sampled_from(PEOPLE)),
            workgroups=draw(st.frozensets(st.sampled_from(WORKGROUPS))),
        ),
        day=DAY,
        age_years=draw(st.none() | st.integers(0, 100)),
        sex=draw(st.sampled_from(Sex)),
    )


def miles(origin: Point | None, listing: Listing) -> float | None:
    """Return the distance in miles if both places are known."""
    if origin is None or listing.point is None:
        return None
    east, north = origin.easting - listing.point.easting, origin.northing - listing.point.northing
    return hypot(east, north) / METRES_PER_MILE


def suits(listing: Listing, wanted: ServiceFilter, origin: Point | None) -> bool:
    """Return whether the service satisfies each criterion of the rules."""
    criteria, sexes = wanted.criteria, {GenderTreated.MALE: Sex.FEMALE, GenderTreated.FEMALE: Sex.MALE}
    bookable = {RequestFlow.APPOINTMENT_REQUEST, RequestFlow.TRIAGE_REQUEST}
    advice = {RequestFlow.ADVICE_AND_GUIDANCE_REQUEST}
    needed = bookable if wanted.request_type is RequestType.APPOINTMENT_REQUEST else advice
    lowest = listing.ages.lowest or 0
    highest = 999 if listing.ages.highest is None else listing.ages.highest
    distance, limit, referrer = miles(origin, listing), criteria.distance_limit_miles, wanted.referrer
    assert referrer is not None, "every search here is for a patient"
    return all(
        (
            needed & set(listing.flows),
            criteria.priority in listing.priorities,
            wanted.pairs is None or any(pair in wanted.pairs for pair in listing.clinic_types),
            criteria.named_clinician in (None, *listing.clinicians),
            criteria.organisation in (None, listing.organisation, listing.site),
            listing.commissioning.nationally_available
            or referrer.rules_of in listing.commissioning.organisations
            or any(who == referrer.commissioner and starts <= DAY for who, starts in listing.rules),
            listing.opens_on is None or listing.opens_on <= DAY,
            listing.closes_on is None or listing.closes_on >= DAY,
            listing.restriction is None
            or referrer.user in listing.restriction.referrers
            or referrer.organisation in listing.restriction.organisations
            or bool(listing.restriction.workgroups & referrer.workgroups),
            wanted.age_years is None or lowest <= wanted.age_years <= highest,
            sexes.get(listing.gender) is not wanted.sex,
            criteria.wait_limit_days is None
            or (listing.wait_days is not None and listing.wait_days <= criteria.wait_limit_days),
            limit is None or (distance is not None and distance <= limit),
        )
    )


def found(
    directory: list[Listing], wanted: ServiceFilter, sort: SortBy, origin: Point | None
) -> list[tuple[str, float | None]]:
    """Return all services that the search should find, in order."""

    def rank(listing: Listing) -> tuple[tuple[bool, float], tuple[bool, float], str, int]:
        distance, wait = miles(origin, listing), listing.wait_days
        near, soon = (distance is None, distance or 0.0), (wait is None, float(wait or 0))
        first, second = (near, soon) if sort is SortBy.DISTANCE else (soon, near)
        return first, second, listing.name.casefold(), int(listing.id)

    suitable = [each for each in directory if suits(each, wanted, origin)]
    return [(each.id, miles(origin, each)) for each in sorted(suitable, key=rank)]


SEARCHES = st.lists(
    st.tuples(filters(), st.sampled_from(SortBy), st.none() | POINTS, st.integers(1, 12)), min_size=1, max_size=4
)


@settings(max_examples=150, deadline=None)
@given(DIRECTORIES, SEARCHES, st.sampled_from(SortBy), st.lists(POINTS, min_size=2, max_size=2))
def test_a_search_finds_what_the_rules_say(
    directory: list[Listing],
    searches: list[tuple[ServiceFilter, SortBy, Point | None, int]],
    sort: SortBy,
    origins: list[Point],
) -> None:
    """Several searches use one index, so that a wrong cache entry of one search would change another."""
    listings = Listings(1, directory)
    assert len(listings) == len(directory)
    first = searches[0][0]
    for wanted, order, origin, most in [*searches, *((first, sort, each, 12) for each in origins), *searches]:
        expected = found(directory, wanted, order, origin)
        assert listings.search(wanted, order, origin, most) == expected[:most]
        everything = {service for service, _ in expected}
        for listing in directory:
            assert listings.admits(wanted, listing.id, origin) is (listing.id in everything)
        assert not listings.admits(wanted, ServiceId("999"), origin)
