from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable

import pytest

from breakerd import (
    Breaker,
    BreakerOpenError,
    DeadlineExceeded,
    Priority,
    check_deadline,
    current_priority,
    deadline,
    priority,
    remaining,
)
from breakerd.breaker.guards.guard import Guard
from breakerd.breaker.testing import ManualClock

MakeBreaker = Callable[..., Breaker]

SOON = 0.01
NEVER = 3600.0


def totals(breaker: Breaker) -> tuple[int, int, int]:
    counters = breaker.counters()
    return counters.success, counters.error, counters.in_flight


def abandoned(breaker: Breaker) -> int:
    """Return the number of abandoned calls; none was anything else."""
    assert totals(breaker) == (0, 0, 0)
    return breaker.counters().abandoned


class TestSync:
    def test_hands_the_deadline_down(self, make: MakeBreaker, clock: ManualClock) -> None:
        breaker = make()
        with breaker.guard(timeout=2):
            clock.advance(0.5)
            assert remaining() == 1.5
            with breaker.guard(timeout=9):
                assert remaining() == 1.5
        assert remaining() is None
        assert totals(breaker) == (2, 0, 0)

    def test_a_late_answer_is_an_error_and_is_kept(
        self, make: MakeBreaker, clock: ManualClock
    ) -> None:
        breaker = make()

        @breaker.guarded(timeout=1)
        def answer(value: int) -> int:
            clock.advance(1.5)
            return value

        assert answer(42) == 42
        assert totals(breaker) == (0, 1, 0)

    def test_within_its_time_it_is_good(self, make: MakeBreaker, clock: ManualClock) -> None:
        breaker = make()
        with breaker.guard(timeout=1):
            clock.advance(1)
        assert totals(breaker) == (1, 0, 0)

    def test_an_ignored_exception_that_comes_late_is_an_error(
        self, make: MakeBreaker, clock: ManualClock
    ) -> None:
        breaker = make()

        @breaker.guarded(timeout=1, ignore=(KeyError,))
        def refuse() -> None:
            clock.advance(2)
            raise KeyError

        with pytest.raises(KeyError):
            refuse()
        assert totals(breaker) == (0, 1, 0)

    def test_past_the_deadline_nothing_is_called_and_nothing_counted(
        self, make: MakeBreaker, clock: ManualClock
    ) -> None:
        breaker = make()
        with deadline(1, clock=clock):
            clock.advance(1.25)
            with pytest.raises(DeadlineExceeded, match=r"'default'.*0\.250 s ago") as caught:
                breaker.guard().__enter__()
        assert not caught.value.started
        assert breaker.counters().rejected == 0
        assert totals(breaker) == (0, 0, 0)

    def test_what_ends_at_the_callers_deadline_is_not_the_callees_fault(
        self, make: MakeBreaker, clock: ManualClock
    ) -> None:
        breaker = make()

        @breaker.guarded(timeout=5)
        def work() -> None:
            clock.advance(1)
            check_deadline()

        with deadline(1, clock=clock), pytest.raises(DeadlineExceeded):
            work()
        assert abandoned(breaker) == 1

    def test_what_ends_at_its_own_time_out_is(self, make: MakeBreaker, clock: ManualClock) -> None:
        outer, inner = make(), make()

        @outer
        @inner.guarded(timeout=1)
        def work() -> None:
            clock.advance(1.5)
            check_deadline()

        with pytest.raises(DeadlineExceeded):
            work()
        assert totals(inner) == (0, 1, 0)
        assert totals(outer) == (0, 1, 0)

    def test_the_stated_service_levels_time_out(
        self, make: MakeBreaker, clock: ManualClock
    ) -> None:
        breaker = make(slo={"success_rate": 0.9, "timeout": 2.0})
        with breaker.guard(timeout="slo"):
            assert remaining() == 2
        breaker.apply(breaker.settings.model_copy(update={"slo": None}))
        with breaker.guard(timeout="slo"):
            assert remaining() is None
            clock.advance(NEVER)
        assert totals(breaker) == (2, 0, 0)

    @pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
    def test_a_time_out_is_above_zero(self, make: MakeBreaker, timeout: float) -> None:
        for refused in (make().guard, make().guarded):
            with pytest.raises(ValueError, match=rf"timeout is {timeout}; allowed: seconds above"):
                refused(timeout=timeout)

    def test_a_call_may_fail_without_an_exception(self, make: MakeBreaker) -> None:
        breaker = make()
        with breaker.guard() as call:
            call.fail()
        assert totals(breaker) == (0, 1, 0)

    def test_a_call_may_end_before_its_block(self, make: MakeBreaker) -> None:
        breaker = make()

        @breaker.guarded(timeout=1)
        def outlive() -> None:
            with breaker.guard(timeout=1) as call:
                call.end()
                assert remaining() == 1
                raise KeyError

        with pytest.raises(KeyError):
            outlive()
        assert totals(breaker) == (1, 1, 0)


class TestPriority:
    def test_is_in_force_while_the_breaker_is_asked_and_inside(
        self, make: MakeBreaker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        breaker, asked = make(), []
        allow = breaker.allow

        def asking() -> bool:
            asked.append(current_priority())
            return allow()

        monkeypatch.setattr(breaker, "allow", asking)
        with breaker.guard(priority=Priority.SHEDDABLE):
            assert current_priority() is Priority.SHEDDABLE
        assert current_priority() is Priority.CRITICAL
        with priority(Priority.CRITICAL_PLUS), breaker.guard():
            assert current_priority() is Priority.CRITICAL_PLUS
        assert asked == [Priority.SHEDDABLE, Priority.CRITICAL_PLUS]

    def test_ends_with_a_rejection(self, make: MakeBreaker) -> None:
        breaker = make()
        breaker.force_open()
        with pytest.raises(BreakerOpenError):
            breaker.guard(priority=Priority.SHEDDABLE, timeout=1).__enter__()
        assert current_priority() is Priority.CRITICAL
        assert remaining() is None

    def test_by_decorator(self, make: MakeBreaker) -> None:
        breaker = make()

        @breaker.guarded(priority=Priority.SHEDDABLE_PLUS)
        async def look() -> Priority:
            return current_priority()

        assert inspect.iscoroutinefunction(look)
        assert asyncio.run(look()) is Priority.SHEDDABLE_PLUS
        assert breaker.guarded(priority=Priority.SHEDDABLE)(current_priority)() == 0


class TestAsync:
    async def test_cancels_its_body(self, make: MakeBreaker) -> None:
        breaker, cancelled = make(), []

        async def hang() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(True)
                raise

        with pytest.raises(DeadlineExceeded, match=r"did not end within 0\.01 s") as caught:
            async with breaker.guard(timeout=SOON):
                await hang()
        assert cancelled == [True]
        assert caught.value.started
        assert totals(breaker) == (0, 1, 0)
        assert remaining() is None

    async def test_by_decorator(self, make: MakeBreaker) -> None:
        breaker = make()

        @breaker.guarded(timeout=SOON)
        async def hang() -> None:
            await asyncio.Event().wait()

        with pytest.raises(TimeoutError):
            await hang()
        assert totals(breaker) == (0, 1, 0)

    async def test_in_time_it_is_left_alone(self, make: MakeBreaker) -> None:
        breaker = make()
        async with breaker.guard(timeout=NEVER):
            await asyncio.sleep(0)
        assert totals(breaker) == (1, 0, 0)

    async def test_a_cancellation_from_outside_abandons_the_call(self, make: MakeBreaker) -> None:
        breaker, entered = make(), asyncio.Event()

        async def call() -> None:
            async with breaker.guard(timeout=NEVER):
                entered.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(call())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert abandoned(breaker) == 1

    async def test_an_outer_cancellation_wins_over_its_own(self, make: MakeBreaker) -> None:
        breaker = make()

        async def call() -> None:
            async with breaker.guard(timeout=SOON):
                try:
                    await asyncio.Event().wait()
                finally:
                    task.cancel()

        task = asyncio.create_task(call())
        with pytest.raises(asyncio.CancelledError):
            await task
        assert totals(breaker) == (0, 1, 0)

    async def test_the_callers_deadline_cancels_too_and_is_not_the_callees_fault(
        self, make: MakeBreaker, clock: ManualClock
    ) -> None:
        breaker = make()
        with (
            deadline(SOON, clock=clock),
            pytest.raises(DeadlineExceeded, match="deadline that it was given"),
        ):
            async with breaker.guard(timeout=NEVER):
                await asyncio.Event().wait()
        assert abandoned(breaker) == 1

    async def test_nested_the_inner_time_out_is_the_inner_guards(self, make: MakeBreaker) -> None:
        outer, inner = make(), make()
        async with outer.guard(timeout=NEVER):
            with pytest.raises(DeadlineExceeded):
                async with inner.guard(timeout=SOON):
                    await asyncio.Event().wait()
        assert totals(inner) == (0, 1, 0)
        assert totals(outer) == (1, 0, 0)

    async def test_nested_the_outer_time_out_is_the_outer_guards(self, make: MakeBreaker) -> None:
        outer, inner = make(), make()
        with pytest.raises(DeadlineExceeded):
            async with outer.guard(timeout=SOON), inner.guard():
                await asyncio.Event().wait()
        assert abandoned(inner) == 1
        assert totals(outer) == (0, 1, 0)

    async def test_nested_only_the_outer_guard_cancels_at_its_deadline(
        self, make: MakeBreaker, clock: ManualClock
    ) -> None:
        outer, inner = make(), make()
        async with outer.guard(timeout=NEVER):
            clock.advance(NEVER - SOON)
            async with inner.guard(timeout=NEVER):
                await asyncio.sleep(3 * SOON)
        assert totals(inner) == (1, 0, 0)

    async def test_what_outlives_the_call_is_not_bound_by_its_deadline(
        self, make: MakeBreaker
    ) -> None:
        async def look() -> tuple[float | None, float | None]:
            before = remaining()
            await later.wait()
            return before, remaining()

        breaker, later = make(), asyncio.Event()
        async with breaker.guard(timeout=NEVER):
            task = asyncio.create_task(look())
            await asyncio.sleep(0)
        later.set()
        assert await task == (NEVER, None)

    async def test_a_body_that_swallows_its_cancellation_is_late(self, make: MakeBreaker) -> None:
        breaker = make()
        async with breaker.guard(timeout=SOON):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                answer = 42
        assert answer == 42
        assert totals(breaker) == (0, 1, 0)

    async def test_a_call_that_ended_early_is_not_cancelled(self, make: MakeBreaker) -> None:
        breaker = make()
        async with breaker.guard(timeout=SOON) as call:
            call.end()
            assert remaining() is None
            await asyncio.sleep(3 * SOON)
        assert totals(breaker) == (1, 0, 0)

    async def test_a_call_that_ends_while_it_is_cut_off_is_late(self, make: MakeBreaker) -> None:
        breaker = make()

        async def hang(call: Guard) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                call.end()

        with pytest.raises(DeadlineExceeded):
            async with breaker.guard(timeout=SOON) as call:
                await hang(call)
        assert totals(breaker) == (0, 1, 0)

    async def test_its_own_exceptions_come_through(self, make: MakeBreaker) -> None:
        breaker = make()
        with pytest.raises(TimeoutError, match="theirs"):
            async with breaker.guard(timeout=NEVER):
                raise TimeoutError("theirs")
        assert totals(breaker) == (0, 1, 0)
