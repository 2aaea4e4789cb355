"""In each form, a call that is cancelled from outside is abandoned: a success by no means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from breakerd import Breaker, DeadlineExceeded, Settings, Slo, State, deadline
from breakerd.breaker.testing import ManualClock

MakeBreaker = Callable[..., Breaker]
Hang = Callable[[Breaker], Awaitable[object]]
"""Begins a call that hangs, and never ends by itself."""


async def hang() -> None:
    await asyncio.Event().wait()


async def in_a_guard(breaker: Breaker) -> None:
    async with breaker.guard():
        await hang()


async def in_a_sync_guard(breaker: Breaker) -> None:
    with breaker.guard():
        await hang()


async def in_a_guard_with_a_time_out(breaker: Breaker) -> None:
    async with breaker.guard(timeout=3600):
        await hang()


def decorated(breaker: Breaker) -> Awaitable[object]:
    return breaker(hang)()


def decorated_with_a_time_out(breaker: Breaker) -> Awaitable[object]:
    return breaker.guarded(timeout=3600)(hang)()


def decorated_plain(breaker: Breaker) -> Awaitable[object]:
    return breaker(lambda: hang())()  # noqa: PLW0108 - a plain function on purpose


def called(breaker: Breaker) -> Awaitable[object]:
    return breaker.call(hang)


def called_async(breaker: Breaker) -> Awaitable[object]:
    return breaker.call_async(hang)


def called_with_a_fallback(breaker: Breaker) -> Awaitable[object]:
    return breaker.call_async(hang, fallback=lambda _: "not for those who left")


async def raw(breaker: Breaker) -> None:
    if breaker.allow():
        start = breaker.clock()
        try:
            await hang()
        except asyncio.CancelledError:
            breaker.abandon(start)
            raise


ENFORCED: list[Hang] = [
    in_a_guard,
    in_a_guard_with_a_time_out,
    decorated,
    decorated_with_a_time_out,
    decorated_plain,
    called,
    called_async,
    called_with_a_fallback,
]
"""Forms that cut a call off at the deadline of its caller."""
every_form = pytest.mark.parametrize("form", [*ENFORCED, in_a_sync_guard, raw])


def totals(breaker: Breaker) -> tuple[int, int, int]:
    """Return successes, errors and abandoned calls; none is in flight."""
    counters = breaker.counters()
    assert counters.in_flight == 0
    return counters.success, counters.error, counters.abandoned


async def cancel_after(breaker: Breaker, clock: ManualClock, form: Hang, seconds: float) -> None:
    task = asyncio.ensure_future(form(breaker))
    await asyncio.sleep(0)
    assert breaker.in_flight == 1
    clock.advance(seconds)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@every_form
async def test_cancelled_before_it_was_slow(
    make: MakeBreaker, clock: ManualClock, form: Hang
) -> None:
    breaker = make(latency_threshold=1500, minimum_calls=3, error_threshold=0.5)
    for _ in range(50):
        await cancel_after(breaker, clock, form, 1.0)
    assert totals(breaker) == (0, 0, 50)
    assert breaker.status()["window_calls"] == 0
    assert breaker.state is State.CLOSED


@every_form
async def test_cancelled_once_it_was_slow(
    make: MakeBreaker, clock: ManualClock, form: Hang
) -> None:
    breaker = make(latency_threshold=1500, minimum_calls=3)
    for _ in range(3):
        await cancel_after(breaker, clock, form, 1.6)
    assert totals(breaker) == (0, 0, 3)
    assert breaker.state is State.OPEN


@every_form
async def test_probes_that_are_cancelled_close_nothing(
    make: MakeBreaker, clock: ManualClock, form: Hang
) -> None:
    breaker = make(latency_threshold=1500, wait_time=1)
    breaker.trip()
    clock.advance(1)
    for _ in range(20):
        await cancel_after(breaker, clock, form, 1.0)
        breaker.tick()
    assert breaker.state is State.HALF_OPEN


@every_form
async def test_asyncio_timeout_around_it(form: Hang) -> None:
    """On the real clock, where the fast guard is used."""
    breaker = Breaker(Settings(), memory=lambda: 0.1)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await form(breaker)
    assert totals(breaker) == (0, 0, 3)
    breaker.close()


@pytest.mark.parametrize("form", ENFORCED)
async def test_a_deadline_of_the_caller_around_it(make: MakeBreaker, form: Hang) -> None:
    breaker = make()
    # On a clock that stands, so that it has not passed on entry, however slow the machine is.
    with deadline(0.01, clock=ManualClock()), pytest.raises(DeadlineExceeded):
        await form(breaker)
    assert totals(breaker) == (0, 0, 1)


async def test_its_own_time_out_is_an_error_as_ever(make: MakeBreaker) -> None:
    breaker = make()
    with pytest.raises(DeadlineExceeded):
        async with breaker.guard(timeout=0.01):
            await hang()
    with pytest.raises(DeadlineExceeded):
        await breaker.guarded(timeout=0.01)(hang)()
    assert totals(breaker) == (0, 2, 0)


async def test_a_time_out_inside_it_is_an_error_as_ever(make: MakeBreaker) -> None:
    breaker = make()
    with pytest.raises(TimeoutError):
        async with breaker.guard(), asyncio.timeout(0.01):
            await hang()
    assert totals(breaker) == (0, 1, 0)


async def test_a_hundred_hanging_calls_that_their_callers_give_up() -> None:
    """As a web service does whose clients hang up: with [slo], nothing else need be said."""
    slo = Slo(success_rate=0.95, timeout=0.05, warmup=0)
    breaker = Breaker(Settings(slo=slo), memory=lambda: 0.1)

    async def call() -> None:
        async with asyncio.timeout(0.06), breaker.guard():
            await hang()

    ended = await asyncio.gather(*(call() for _ in range(100)), return_exceptions=True)
    assert all(isinstance(error, TimeoutError) for error in ended)
    assert breaker.triggered
    assert totals(breaker) == (0, 0, 100)
    breaker.close()


# --- generators


def test_a_generator_that_is_not_read_on_is_abandoned(make: MakeBreaker) -> None:
    breaker = make()

    def rows() -> Iterator[int]:
        with breaker.guard():
            yield from range(3)

    assert list(rows()) == [0, 1, 2]
    assert next(rows()) == 0
    assert totals(breaker) == (1, 0, 1)


async def test_an_async_generator_that_is_not_read_on_is_abandoned(make: MakeBreaker) -> None:
    breaker = make()

    async def rows() -> AsyncIterator[int]:
        async with breaker.guard():
            for row in range(3):
                yield row

    assert [row async for row in rows()] == [0, 1, 2]
    begun = rows()
    assert await anext(begun) == 0
    await begun.aclose()  # type: ignore[attr-defined]  # an async generator has one
    assert totals(breaker) == (1, 0, 1)


# --- by hand


def test_a_guard_may_be_given_up_by_hand(make: MakeBreaker) -> None:
    breaker = make(latency_threshold=1500)
    for timeout in (None, 60):
        with breaker.guard(timeout=timeout) as call:
            call.abandon()
            call.abandon()
            assert breaker.in_flight == 0
    with breaker.guard() as call:
        call.fail()
        call.abandon()
    call.abandon()
    assert totals(breaker) == (0, 1, 2)
