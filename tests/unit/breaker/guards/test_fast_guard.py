"""Guards on the real clock, which ask and report by themselves, and breakers that have others."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Iterator

import pytest

from breakerd import (
    Breaker,
    BreakerOpenError,
    DeadlineExceeded,
    Priority,
    Settings,
    check_deadline,
    deadline,
)
from breakerd.breaker.guards import fast_guard
from breakerd.breaker.guards.fast_guard import FastGuard
from breakerd.breaker.guards.guard import ConfiguredGuard, Guard
from breakerd.breaker.runtime.gate import FastPath, allow_free_threaded
from breakerd.breaker.runtime.ticker import TICKER
from breakerd.breaker.testing import ManualClock

NEVER = 3600.0
SOON = 0.01


@pytest.fixture
def breaker() -> Iterator[Breaker]:
    """Closed, on the real clock, with answers prepared, and not ticked."""
    made = Breaker(Settings(wait_time=NEVER), memory=lambda: 0.1)
    TICKER.discard(made._core)
    with made.guard():
        pass
    made.counters()
    yield made
    made.close()


def totals(breaker: Breaker) -> tuple[int, int, int, int]:
    """Since the fixture's own call: successes, errors, rejected calls, calls in flight."""
    counters = breaker.counters()
    return counters.success - 1, counters.error, counters.rejected, counters.in_flight


class TestFast:
    def test_it_is_what_a_breaker_on_real_time_gives(self, breaker: Breaker) -> None:
        locked = FastPath.allow is allow_free_threaded  # where there is no GIL
        assert type(breaker.guard()) is (Guard if locked else FastGuard)

    def test_counts_stay_exact_over_many_batches(self, breaker: Breaker) -> None:
        for _ in range(10_000):
            with breaker.guard():
                pass
        assert totals(breaker) == (10_000, 0, 0, 0)
        assert breaker.status()["window_calls"] == 64

    def test_the_time_counts(self, breaker: Breaker) -> None:
        before = breaker.counters().duration_sum
        start = breaker.clock()
        with breaker.guard():
            began = breaker.clock()
            while breaker.clock() - began < SOON:
                pass
        took = breaker.counters().duration_sum - before
        assert SOON <= took <= breaker.clock() - start

    @pytest.mark.parametrize(
        ("raised", "counted"),
        [
            (KeyError, (0, 1, 0, 0)),
            (DeadlineExceeded, (0, 1, 0, 0)),
            (GeneratorExit, (0, 0, 0, 0)),
            (asyncio.CancelledError, (0, 0, 0, 0)),
        ],
    )
    def test_what_the_block_raises(
        self, breaker: Breaker, raised: type[BaseException], counted: tuple[int, int, int, int]
    ) -> None:
        with pytest.raises(raised), breaker.guard():
            raise raised("x")
        assert totals(breaker) == counted
        assert breaker.counters().abandoned == (not any(counted))

    def test_a_rejection_is_counted_once(self, breaker: Breaker) -> None:
        breaker.trip()
        for _ in range(10):
            with pytest.raises(BreakerOpenError, match="manual"):
                breaker.guard().__enter__()
        assert totals(breaker) == (0, 0, 10, 0)

    def test_a_rejected_guard_may_ask_again(self, breaker: Breaker) -> None:
        breaker.trip()
        guard = breaker.guard()
        with pytest.raises(BreakerOpenError):
            guard.__enter__()
        breaker.reset()
        with guard:
            pass
        assert totals(breaker) == (1, 0, 1, 0)

    def test_a_call_may_fail_and_end_without_an_exception(self, breaker: Breaker) -> None:
        with breaker.guard() as call:
            call.fail()
            call.fail()
        call.fail()
        with breaker.guard() as call:
            call.end()
            assert breaker.in_flight == 0
        call.end()
        with breaker.guard() as call:
            call.end(KeyError())
        assert totals(breaker) == (1, 2, 0, 0)

    def test_it_may_fail_before_it_is_entered(self, breaker: Breaker) -> None:
        guard = breaker.guard()
        guard.fail()
        with guard:
            pass
        assert totals(breaker) == (0, 1, 0, 0)

    def test_a_slow_call_is_looked_at(self) -> None:
        breaker = Breaker(
            Settings(latency_threshold=5, minimum_calls=1, percentile=0.5), memory=lambda: 0.1
        )
        with breaker.guard():
            began = breaker.clock()
            while breaker.clock() - began < 2 * SOON:
                pass
        assert breaker.triggered
        breaker.close()

    def test_past_the_deadline_nothing_is_asked_and_nothing_counted(self, breaker: Breaker) -> None:
        with deadline(-1), pytest.raises(DeadlineExceeded, match="'default'"):
            breaker.guard().__enter__()
        with deadline(NEVER), breaker.guard():
            pass
        assert totals(breaker) == (1, 0, 0, 0)

    def test_what_ends_at_the_callers_deadline_is_not_the_callees_fault(
        self, breaker: Breaker, clock: ManualClock
    ) -> None:
        def work() -> None:
            clock.advance(2)
            check_deadline()

        with deadline(1, clock=clock), pytest.raises(DeadlineExceeded), breaker.guard():
            work()
        assert totals(breaker) == (0, 0, 0, 0)
        assert breaker.counters().abandoned == 1

    async def test_the_async_form_is_cut_off_at_the_callers_deadline(
        self, breaker: Breaker
    ) -> None:
        # On a clock that stands, so that it has not passed on entry, however slow the machine is.
        with deadline(SOON, clock=ManualClock()), pytest.raises(DeadlineExceeded):
            async with breaker.guard():
                await asyncio.Event().wait()
        async with breaker.guard():
            await asyncio.sleep(0)
        assert totals(breaker) == (1, 0, 0, 0)
        assert breaker.counters().abandoned == 1

    def test_each_call_has_a_guard_of_its_own(self, breaker: Breaker) -> None:
        with breaker.guard() as outer:
            with breaker.guard() as inner:
                assert inner is not outer
            assert breaker.guard() is not inner
        kept = [breaker.guard() for _ in range(5)]
        assert len({id(guard) for guard in [*kept, inner, outer]}) == 7
        assert totals(breaker) == (2, 0, 0, 0)

    @pytest.mark.parametrize("spoil", [Guard.fail, Guard.end])
    def test_of_an_earlier_call_nothing_is_left(
        self, breaker: Breaker, spoil: Callable[[Guard], None]
    ) -> None:
        def spoiled() -> None:
            with breaker.guard() as call:
                spoil(call)

        spoiled()
        with breaker.guard():
            pass
        failed = spoil is Guard.fail
        assert totals(breaker) == (2 - failed, failed, 0, 0)

    async def test_of_an_earlier_deadline_nothing_is_left(self, breaker: Breaker) -> None:
        with deadline(NEVER):
            async with breaker.guard():
                await asyncio.sleep(0)
        with breaker.guard() as call:
            call.end()  # it would put off what the deadline has planned
        assert totals(breaker) == (2, 0, 0, 0)

    def test_threads(self, breaker: Breaker) -> None:
        def work() -> None:
            for turn in range(5_000):
                with breaker.guard() as call:
                    if turn % 100 == 0:
                        call.fail()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert totals(breaker) == (39_600, 400, 0, 0)


class TestOneUse:
    @pytest.fixture(params=["quick", "general"])
    def guard(self, request: pytest.FixtureRequest, breaker: Breaker) -> Guard:
        if request.param == "quick":
            return breaker.guard()
        return Breaker(clock=ManualClock(), memory=lambda: 0.1).guard()

    def test_a_second_entry_is_refused(self, guard: Guard) -> None:
        with guard:
            pass
        with pytest.raises(RuntimeError, match="ask for a new one"):
            guard.__enter__()

    def test_as_it_is_after_the_call_ended_early(self, guard: Guard) -> None:
        with guard:
            guard.end()
            with pytest.raises(RuntimeError, match="ask for a new one"):
                guard.__enter__()

    def test_a_second_entry_at_once_is_refused(self, guard: Guard) -> None:
        with guard, pytest.raises(RuntimeError, match="ask for a new one"):
            guard.__enter__()
        assert guard.breaker.in_flight == 0  # type: ignore[attr-defined]  # it is a `Breaker`

    def test_on_terms_the_second_of_two_at_once_is_refused(self, breaker: Breaker) -> None:
        guard = breaker.guard(timeout=NEVER, priority=Priority.SHEDDABLE)
        with guard, pytest.raises(RuntimeError, match="ask for a new one"):
            guard.__enter__()
        assert totals(breaker) == (1, 0, 0, 0)


class TestOthers:
    """Breakers whose guards go through `allow` and `done`."""

    def test_on_another_clock(self, clock: ManualClock) -> None:
        breaker = Breaker(clock=clock, memory=lambda: 0.1)
        with breaker.guard() as call:
            clock.advance(NEVER)
        assert type(call) is Guard
        assert breaker.counters().duration_sum == NEVER

    def test_no_instance_has_a_method_of_its_own(
        self, breaker: Breaker, clock: ManualClock
    ) -> None:
        """It would cost all the others: CPython 3.11 then looks that method up anew each time."""
        for one in (breaker, Breaker(clock=clock, memory=lambda: 0.1)):
            assert vars(one) == {}

    def test_with_methods_of_their_own(self) -> None:
        heard = []

        class Careful(Breaker):
            def allow(self) -> bool:
                heard.append("allow")
                return super().allow()

        class Talkative(Breaker):
            def done(self, start: float, end: float, error: bool = False) -> None:
                heard.append("done")
                super().done(start, end, error)

        for kind in (Careful, Talkative):
            breaker = kind(memory=lambda: 0.1)
            with breaker.guard():
                pass
            breaker.call(int)
            assert breaker.counters().success == 2
            breaker.close()
        assert heard == ["allow", "allow", "done", "done"]

    def test_without_a_gil(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # As if it were the one of such a Python.
        monkeypatch.setattr(fast_guard, "allow_free_threaded", FastPath.allow)
        breaker = Breaker(memory=lambda: 0.1)
        assert type(breaker.guard()) is Guard
        breaker.close()

    def test_terms(self, breaker: Breaker, clock: ManualClock) -> None:
        for one in (breaker, Breaker(clock=clock, memory=lambda: 0.1)):
            assert type(one.guard(timeout=1)) is ConfiguredGuard
            assert type(one.guard(priority=Priority.SHEDDABLE)) is ConfiguredGuard
            assert type(one.guard(ignore=(KeyError,))) is ConfiguredGuard
            assert type(one.guard(ignore=())) is ConfiguredGuard

    def test_an_end_before_the_start_is_reported_all_the_same(self, clock: ManualClock) -> None:
        breaker = Breaker(clock=clock, memory=lambda: 0.1)
        with breaker.guard() as call:
            call.fail()
            clock.advance(-60)
        assert (breaker.counters().error, breaker.in_flight) == (1, 0)
        assert breaker.counters().duration_sum == 0

    def test_a_time_that_is_none_is_refused(self, clock: ManualClock) -> None:
        breaker = Breaker(clock=clock, memory=lambda: 0.1)
        with pytest.raises(ValueError, match="both must be finite"), breaker.guard():
            clock.now = math.nan
