from __future__ import annotations

import asyncio
import contextvars
import math
import pickle
import time
from collections.abc import Iterator

import pytest

from breakerd import Breaker
from breakerd.breaker.context import (
    ACTIVE_DEADLINES,
    Priority,
    check_deadline,
    current_deadline,
    current_priority,
    deadline,
    priority,
    remaining,
)
from breakerd.breaker.errors import BreakerError, DeadlineExceeded
from breakerd.breaker.testing import ManualClock


def test_without_a_word_a_call_is_critical_and_has_all_time() -> None:
    assert current_priority() is Priority.CRITICAL
    assert current_deadline() is None
    assert remaining() is None
    check_deadline()


def test_priorities_are_in_order_of_importance() -> None:
    assert sorted(Priority) == [
        Priority.SHEDDABLE,
        Priority.SHEDDABLE_PLUS,
        Priority.CRITICAL,
        Priority.CRITICAL_PLUS,
    ]


def test_the_innermost_priority_counts_and_ends() -> None:
    with priority(Priority.SHEDDABLE):
        with priority(Priority.CRITICAL_PLUS):
            assert current_priority() is Priority.CRITICAL_PLUS
        assert current_priority() is Priority.SHEDDABLE
    assert current_priority() is Priority.CRITICAL


def test_the_nearest_deadline_counts_and_ends(clock: ManualClock) -> None:
    with deadline(5, clock=clock):
        with deadline(9, clock=clock):
            assert remaining() == 5
        with deadline(2, clock=clock):
            assert remaining() == 2
            assert current_deadline() == clock() + 2
            clock.advance(1)
            assert remaining() == 1
        assert remaining() == 4
    assert remaining() is None


def test_the_nearest_deadline_is_found_across_clocks(clock: ManualClock) -> None:
    with deadline(1000), deadline(5, clock=clock), deadline(2000):
        assert remaining() == 5


def test_a_deadline_is_told_by_monotonic_time() -> None:
    before = time.monotonic()
    with deadline(60):
        at = current_deadline()
    assert at is not None
    assert before + 60 <= at <= time.monotonic() + 60


def test_past_the_deadline_work_ends(clock: ManualClock) -> None:
    with deadline(1, clock=clock):
        check_deadline()
        clock.advance(1.25)
        assert remaining() == 0
        with pytest.raises(DeadlineExceeded, match=r"passed 0\.250 s ago"):
            check_deadline()


def test_a_deadline_may_have_passed_from_the_start(clock: ManualClock) -> None:
    with deadline(-1, clock=clock), pytest.raises(DeadlineExceeded):
        check_deadline()


@pytest.mark.parametrize("seconds", [math.nan, math.inf])
def test_a_deadline_is_a_finite_number(seconds: float) -> None:
    with pytest.raises(ValueError, match=f"got {seconds}"), deadline(seconds):
        pass


def test_both_end_after_an_exception(clock: ManualClock) -> None:
    with (
        pytest.raises(KeyError),
        priority(Priority.SHEDDABLE),
        deadline(1, clock=clock),
    ):
        raise KeyError
    assert current_priority() is Priority.CRITICAL
    assert remaining() is None


def test_both_travel_into_tasks_and_threads_and_not_back(clock: ManualClock) -> None:
    async def look() -> tuple[Priority, float | None]:
        seen = current_priority(), remaining()
        with priority(Priority.CRITICAL_PLUS), deadline(1, clock=clock):
            await asyncio.sleep(0)
        return seen

    def look_here() -> tuple[Priority, float | None]:
        return current_priority(), remaining()

    async def main() -> None:
        with priority(Priority.SHEDDABLE), deadline(3, clock=clock):
            task = asyncio.create_task(look())
            await asyncio.sleep(0)
            assert look_here() == (Priority.SHEDDABLE, 3)
            assert await task == (Priority.SHEDDABLE, 3)
            assert await asyncio.to_thread(look_here) == (Priority.SHEDDABLE, 3)

    asyncio.run(main())


def test_a_deadline_ends_for_those_who_outlive_its_block(clock: ManualClock) -> None:
    async def look(later: asyncio.Event) -> tuple[float | None, float | None]:
        before = remaining()
        await later.wait()
        return before, remaining()

    async def main() -> None:
        later = asyncio.Event()
        with deadline(3, clock=clock):
            task = asyncio.create_task(look(later))
            await asyncio.sleep(0)
        later.set()
        assert await task == (3, None)

    asyncio.run(main())


def test_a_generator_may_be_stepped_in_several_contexts(clock: ManualClock) -> None:
    def steps() -> Iterator[float | None]:
        with priority(Priority.SHEDDABLE), deadline(3, clock=clock):
            yield remaining()

    generator = steps()
    assert contextvars.copy_context().run(next, generator) == 3
    assert contextvars.copy_context().run(next, generator, None) is None


def test_no_deadline_is_looked_for_once_all_are_lifted(clock: ManualClock) -> None:
    breaker = Breaker(clock=clock, memory=lambda: 0.1)
    before = len(ACTIVE_DEADLINES)  # other tests may have left some
    with deadline(1, clock=clock):
        with breaker.guard(timeout=9), breaker.guard(timeout=0.5), deadline(2, clock=clock):
            assert len(ACTIVE_DEADLINES) == before + 4
        assert len(ACTIVE_DEADLINES) == before + 1
    assert len(ACTIVE_DEADLINES) == before


def test_nor_for_one_whose_guard_was_dropped(clock: ManualClock) -> None:
    breaker = Breaker(clock=clock, memory=lambda: 0.1)
    before = len(ACTIVE_DEADLINES)
    abandoned = contextvars.copy_context()
    abandoned.run(breaker.guard(timeout=9).__enter__)
    assert len(ACTIVE_DEADLINES) == before + 1
    del abandoned
    assert len(ACTIVE_DEADLINES) == before


def test_the_error_is_a_timeout_and_can_be_sent() -> None:
    error = DeadlineExceeded("late", started=False)
    assert isinstance(error, TimeoutError)
    assert isinstance(error, BreakerError)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.started) == ("late", False)
