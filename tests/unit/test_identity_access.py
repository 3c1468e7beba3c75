"""The cache of opened tokens, the required assurance of a log-in, and the permitted redirect addresses."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openers.domain.credentials import AccessMode, Application, Grant, Session
from openers.domain.directory import Assurance
from openers.domain.identifiers import UserId
from openers.identity.access import AccessCache, TokenHolder, bearer_of
from openers.identity.assurance import identity_is_verified, method_is_accepted
from openers.identity.errors import InvalidToken, TokenFault
from openers.identity.log_in import challenge_of
from openers.identity.redirects import is_registered, origin, with_answer

NOW = datetime(2030, 1, 1, tzinfo=UTC)
APPLICATION = Application(client_id="a", name="A", mode=AccessMode.USER_RESTRICTED, asid=None)


def caller(session: str = "s", life_s: float = 600) -> TokenHolder:
    who = Session(
        id=session, user=UserId("1" * 12), assurance=Assurance(), began=NOW, ends=NOW + timedelta(hours=12)
    )  # fmt: skip
    return TokenHolder(Grant(client_id="a", expires=NOW + timedelta(seconds=life_s), session=who), APPLICATION, None)


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc", "BEARER  abc", "Bearer    abc", "  Bearer abc\t"])
def test_one_or_more_spaces_stand_between_scheme_and_token(header: str) -> None:
    assert bearer_of(header) == "abc"


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("", TokenFault.ABSENT),
        ("  ", TokenFault.ABSENT),
        ("Basic abc", TokenFault.SCHEME),
        ("abc", TokenFault.SCHEME),
        ("Bearerabc", TokenFault.SCHEME),
        ("Bearer", TokenFault.ABSENT),
        ("Bearer ", TokenFault.ABSENT),
        ("Bearer a b", TokenFault.MALFORMED),
        ("Bearer a, Bearer b", TokenFault.MALFORMED),
        ("Bearer\tabc", TokenFault.SCHEME),
        ('Bearer "abc"', TokenFault.MALFORMED),
        ("Bearer \u00e9", TokenFault.MALFORMED),
    ],
)
def test_a_header_that_holds_no_token(header: str, fault: TokenFault) -> None:
    with pytest.raises(InvalidToken) as raised:
        bearer_of(header)
    assert raised.value.fault is fault


def test_what_is_remembered_expires_with_its_token() -> None:
    cache = AccessCache()
    cache.put("w", "k", caller(), NOW)
    assert cache.get("w", "k", NOW + timedelta(seconds=599))
    assert cache.get("w", "k", NOW + timedelta(seconds=600)) is None
    assert cache.get("w", "k", NOW) is None, "forgotten for good"


def test_what_is_remembered_belongs_to_one_world() -> None:
    cache = AccessCache()
    cache.put("w", "k", caller(), NOW)
    assert cache.get("other", "k", NOW) is None


def test_it_is_trusted_for_a_time_where_other_processes_end_sessions() -> None:
    cache = AccessCache(ttl_s=1)
    cache.put("w", "k", caller(), NOW)
    assert cache.get("w", "k", NOW + timedelta(milliseconds=999))
    assert cache.get("w", "k", NOW + timedelta(seconds=1)) is None


def test_the_least_recently_used_is_dropped() -> None:
    cache = AccessCache(most=2)
    for key in ("1", "2"):
        cache.put("w", key, caller(), NOW)
    cache.get("w", "1", NOW)
    cache.put("w", "3", caller(), NOW)
    assert [bool(cache.get("w", key, NOW)) for key in ("1", "2", "3")] == [True, False, True]


@pytest.mark.anyio
async def test_calls_that_ask_for_one_caller_at_once_read_it_once() -> None:
    """A request that follows a dropped cache entry reads again; if the read fails, each request reads for itself."""
    cache, reads, go = AccessCache(), list[str](), asyncio.Event()

    async def read() -> TokenHolder:
        reads.append("read")
        await go.wait()
        if len(reads) == 3:
            raise LookupError
        return caller()

    first = [asyncio.create_task(cache.once("w", "k", read)) for _ in range(3)]
    await asyncio.sleep(0)
    cache.forget("another session")
    later = asyncio.create_task(cache.once("w", "k", read))
    await asyncio.sleep(0)
    go.set()
    assert [await each for each in (*first, later)] == [caller()] * 4
    assert len(reads) == 2
    ended = await asyncio.gather(*(cache.once("w", "k", read) for _ in range(2)), return_exceptions=True)
    assert [type(each) for each in ended] == [LookupError, TokenHolder]


def test_ending_a_session_forgets_all_its_tokens_and_no_others() -> None:
    cache = AccessCache()
    before = cache.epoch
    for key, session in (("1", "s"), ("2", "s"), ("3", "t")):
        cache.put("w", key, caller(session), NOW)
    cache.forget("s")
    assert [bool(cache.get("w", key, NOW)) for key in ("1", "2", "3")] == [False, False, True]
    assert cache.epoch > before
    cache.clear()
    assert cache.get("w", "3", NOW) is None


@pytest.mark.parametrize(("level", "verified"), [(0, False), (1, False), (2, False), (3, True)])
def test_identity_must_be_verified_to_level_three(level: int, verified: bool) -> None:
    assert identity_is_verified(Assurance(identity_level=level)) is verified


@pytest.mark.parametrize(("level", "accepted"), [(0, False), (1, False), (2, True), (3, True)])
def test_log_in_must_be_of_level_two_or_three(level: int, accepted: bool) -> None:
    assert method_is_accepted(Assurance(authenticator_level=level)) is accepted


def test_a_challenge_is_that_of_the_standard() -> None:
    # RFC 7636, appendix B
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


REGISTERED = ("http://127.0.0.1/callback", "http://[::1]/cb?x=1", "https://app.example/back", "app.example:/back")


@pytest.mark.parametrize("address", [*REGISTERED, "http://127.0.0.1:80/callback", "http://[::1]:5000/cb?x=1"])
def test_a_registered_address_will_do(address: str) -> None:
    assert is_registered(address, REGISTERED)


@given(st.text(alphabet="htps:/.@#?[]\\127.0evilcalbk%", max_size=40))
def test_an_address_that_will_do_stays_on_this_machine_or_is_registered(address: str) -> None:
    if is_registered(address, REGISTERED) and address not in REGISTERED:
        assert urlsplit(address).hostname in {"127.0.0.1", "::1"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://127.0.0.1:1/callback", "http://127.0.0.1:1"),
        ("https://app.example/back?x=1", "https://app.example"),
        ("app.example:/back", "app.example:"),
    ],
)
def test_the_origin_of_an_address(address: str, expected: str) -> None:
    assert origin(address) == expected


@given(st.text(), st.text())
def test_an_answer_is_kept_apart_from_what_the_address_has(code: str, state: str) -> None:
    plain = with_answer("https://app.example/back", {"code": code, "state": state})
    assert plain.count("?") == 1
    assert with_answer("https://app.example/back?x=1", {"code": "c"}) == "https://app.example/back?x=1&code=c"
