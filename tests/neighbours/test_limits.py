"""The circuit breaker and the pace of requests, by a clock of the test."""

from __future__ import annotations

from collections.abc import Callable

from openers.neighbours.limits import LONGEST_PAUSE_S, MOST_FAILURES, PAUSE_S, Breaker, Pace


class Seconds:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        """Begin at an hour."""
        self.now = 3600.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def opened(clock: Callable[[], float]) -> Breaker:
    """Return a breaker after the failures that open it."""
    breaker = Breaker(clock)
    for _ in range(MOST_FAILURES):
        assert breaker.admits()
        breaker.failed()
    return breaker


def test_failures_in_a_row_open_it_and_one_request_tries() -> None:
    clock = Seconds()
    breaker = opened(clock)
    assert not breaker.admits()
    clock.now += PAUSE_S
    assert [breaker.admits() for _ in range(3)] == [True, False, False], "one request tries for all"
    breaker.failed()
    clock.now += PAUSE_S - 1
    assert not breaker.admits()
    clock.now += 1
    assert breaker.admits()
    breaker.succeeded()
    assert [breaker.admits() for _ in range(3)] == [True] * 3


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker(Seconds())
    for _ in range(3 * MOST_FAILURES):
        breaker.failed()
        breaker.succeeded()
        assert breaker.admits()


def test_a_busy_neighbour_gets_the_pause_that_it_asks_for_within_limits() -> None:
    for asked, given in ((3.0, 3.0), (1e9, LONGEST_PAUSE_S)):
        clock = Seconds()
        breaker = Breaker(clock)
        breaker.failed(asked)
        clock.now += given - 1
        assert not breaker.admits()
        clock.now += 1
        assert breaker.admits()


def test_a_reply_to_an_older_request_does_not_end_a_pause_that_was_asked_for() -> None:
    clock = Seconds()
    breaker = Breaker(clock)
    breaker.failed(30.0)
    for seconds in (0, 29):
        clock.now += seconds
        breaker.succeeded()
        assert (breaker.is_open(), breaker.admits()) == (True, False)
    clock.now += 1
    assert (breaker.is_open(), breaker.admits()) == (False, True)


def test_a_try_of_two_requests_counts_failures_on() -> None:
    """After the reply to the first one, such as a token, the second one may be sent: one for all callers."""
    clock = Seconds()
    breaker = opened(clock)
    clock.now += PAUSE_S
    assert [breaker.admits() for _ in range(2)] == [True, False]
    breaker.proceeds()
    assert [breaker.admits() for _ in range(2)] == [True, False]
    breaker.failed()
    assert not breaker.admits(), "a usable token does not show that the neighbour works"


def test_requests_are_spread_over_the_seconds() -> None:
    """The sixth request of a second waits for the next one; who would wait too long is told so at once."""
    clock = Seconds()
    pace = Pace(5, clock)
    for number in range(15):
        wait = pace.take(3.0)
        assert wait is not None
        assert abs(wait - number * 0.2) < 1e-6
    assert pace.take(2.9) is None
    clock.now += 1.0
    assert pace.take(3.0) is not None
