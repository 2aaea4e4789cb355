from __future__ import annotations

import pytest

from benchmarks.calls.breaker_under_test import BreakerUnderTest
from benchmarks.harness.comparison import WrongStateError
from breakerd import Breaker, State


def test_a_breaker_that_is_not_in_its_state_is_not_measured() -> None:
    with BreakerUnderTest(state=State.CLOSED) as one:
        one.breaker.trip()
        with pytest.raises(WrongStateError, match="OPEN"):
            one.begin()


def test_a_breaker_that_counted_other_calls_is_not_measured() -> None:
    with BreakerUnderTest() as one:
        candidate = one.candidate("half", "if b.allow(): b.done(clock(), clock())")
        one.begin()
        candidate.loop.run(1)
        one.end(candidate.loop.calls)
        one.begin()
        candidate.loop.run(1)
        with pytest.raises(WrongStateError, match=r"\(10, 0, 0\), not \(20, 0, 0\)"):
            one.end(20)


def test_rejections_are_counted_too() -> None:
    with BreakerUnderTest(state=State.FORCED_OPEN, prepare=Breaker.force_open) as one:
        one.begin()
        one.candidate("open", "b.allow()").loop.run(2)
        one.end(20)
