"""The calendar: working days only, London time across clock changes, and the same result at any time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openers_testpas.hospital.calendar import calendar, is_working_day
from openers_testpas.hospital.clinics import DEMO, BadClinics, Clinic, Session, Weekday, read_clinics
from openers_testpas.hospital.clock import LONDON
from tests.testpas.hospital import CLINICS

DAYS = st.dates(date(2024, 1, 1), date(2028, 10, 1))
SEEDS = st.integers(0, 2**63)
TIMES = st.builds(time, st.integers(7, 20), st.sampled_from([0, 10, 30]))


@st.composite
def clinics(draw: st.DrawFn) -> Clinic:
    opens, closes = draw(TIMES), draw(TIMES)
    days = tuple(draw(st.sets(st.sampled_from(list(Weekday)))))
    return Clinic(
        id=draw(st.from_regex(r"[a-z]{1,8}", fullmatch=True)),
        service="90001",
        name="A clinic",
        slot_minutes=draw(st.integers(5, 90)),
        sessions=(Session(days, opens, closes),),
        away=draw(st.floats(0, 1)),
        taken=draw(st.floats(0, 1)),
    )


@settings(deadline=None)
@given(clinics(), DAYS, SEEDS)
def test_slots_lie_in_their_sessions_on_working_days(clinic: Clinic, first: date, seed: int) -> None:
    [session] = clinic.sessions
    for slot in calendar([clinic], first, 56, seed):
        start, end = slot.start.astimezone(LONDON), slot.end.astimezone(LONDON)
        assert is_working_day(start.date())
        assert start.strftime("%A").upper() in {day.value for day in session.days}
        assert session.opens <= start.time() < end.time() <= session.closes
        assert slot.end - slot.start == timedelta(minutes=clinic.slot_minutes)
        assert first <= start.date() < first + timedelta(days=56)


@settings(deadline=None)
@given(clinics(), DAYS, SEEDS, st.integers(1, 30))
def test_a_calendar_does_not_depend_on_when_it_is_asked(clinic: Clinic, first: date, seed: int, later: int) -> None:
    now = list(calendar([clinic], first, 56, seed))
    then = list(calendar([clinic], first + timedelta(later), 56 - later, seed))
    starts = datetime.combine(first + timedelta(later), time(), LONDON)
    assert [slot for slot in now if slot.start >= starts] == then


@settings(deadline=None)
@given(clinics(), DAYS)
def test_another_seed_gives_other_ids(clinic: Clinic, first: date) -> None:
    ids = [{slot.id for slot in calendar([clinic], first, 56, seed)} for seed in (1, 2)]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize(
    ("day", "hour_utc"),
    [
        (date(2026, 3, 27), 9),
        (date(2026, 3, 30), 8),
        (date(2026, 10, 23), 8),
        (date(2026, 10, 26), 9),
    ],
)
def test_nine_o_clock_is_nine_in_london_before_and_after_the_clocks_change(day: date, hour_utc: int) -> None:
    session = Session(tuple(Weekday), time(9), time(10))
    [slot] = calendar([Clinic(id="c", service="s", name="n", slot_minutes=60, sessions=(session,))], day, 1, 1)
    assert slot.start == datetime(day.year, day.month, day.day, hour_utc, tzinfo=UTC)
    assert slot.start.astimezone(ZoneInfo("Europe/London")).time() == time(9)


@pytest.mark.parametrize(
    ("day", "is_working"),
    [
        (date(2026, 12, 25), False),
        (date(2026, 12, 28), False),  # Monday, the substitute for Boxing Day on Saturday
        (date(2026, 12, 29), True),
        (date(2027, 3, 26), False),  # Good Friday
        (date(2026, 8, 31), False),  # the August bank holiday of England, not of Scotland
        (date(2026, 8, 3), True),  # the August bank holiday of Scotland
        (date(2026, 11, 21), False),
        (date(2026, 11, 23), True),
    ],
)
def test_weekends_and_bank_holidays_of_england_are_off(day: date, is_working: bool) -> None:
    assert is_working_day(day) is is_working


def test_numbers_are_unique_over_years_of_the_demo_calendar() -> None:
    slots = list(calendar(read_clinics(DEMO).by_id.values(), date(2026, 1, 1), 3 * 365, 1))
    assert len({slot.id for slot in slots}) == len(slots) > 30_000


def test_shares_are_about_what_they_say() -> None:
    clinic = read_clinics(CLINICS).by_id["beta"]
    slots = list(calendar([clinic], date(2024, 1, 1), 4 * 365, 1))
    days = Counter(slot.start.date() for slot in slots)
    assert 0.7 < len(days) / (4 * 52 * 2) < 0.9
    assert 0.45 < sum(slot.is_taken for slot in slots) / len(slots) < 0.55


def test_the_demo_clinics_serve_what_the_demo_world_calls_directly_bookable() -> None:
    world = Path(__file__).parents[2] / "src/openers/worlds/packs/demo.toml"
    services = msgspec.toml.decode(world.read_bytes())["services"]
    bookable = {
        each["id"]: set(each.get("clinicians", []))
        for each in services
        if each["bookable"] == "DIRECTLY_BOOKABLE" and each.get("status") != "WITHDRAWN"
    }
    held = read_clinics(DEMO).by_id.values()
    assert {clinic.service for clinic in held} == bookable.keys()
    assert [clinic for clinic in held if clinic.clinician and clinic.clinician not in bookable[clinic.service]] == []
    assert [clinic.service for clinic in held if not clinic.sessions] == ["11021"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "clinics = [{ id = 'a b', service = 's', name = 'n' }]",
        "clinics = [{ id = 'a', service = 's', name = 'n', slots = 3 }]",
        "clinics = [{ id = 'a', service = 's', name = 'n' }, { id = 'a', service = 't', name = 'n' }]",
        "[[clinics]]\nid='a'\nservice='s'\nname='n'\nsessions=[{ days=['SUNDAY'], opens=09:00:00, closes=10:00:00 }]",
        "no toml",
    ],
)
def test_a_wrong_file_of_clinics_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "clinics.toml").write_text(text)
    with pytest.raises(BadClinics):
        read_clinics(tmp_path / "clinics.toml")
