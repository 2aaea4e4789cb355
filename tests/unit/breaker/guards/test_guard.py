from __future__ import annotations

import asyncio
import inspect
import pickle
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from breakerd import Breaker, BreakerOpenError, DeadlineExceeded, deadline
from breakerd.breaker.testing import ManualClock

MakeBreaker = Callable[..., Breaker]


class RefusalError(Exception):
    """An answer, not a failure."""


def totals(breaker: Breaker) -> tuple[int, int, int]:
    counters = breaker.counters()
    return counters.success, counters.error, counters.in_flight


def abandoned(breaker: Breaker) -> int:
    """Return the number of abandoned calls; none was anything else."""
    assert totals(breaker) == (0, 0, 0)
    return breaker.counters().abandoned


def test_guard_reports_success_and_time(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make()
    with breaker.guard():
        clock.advance(0.2)
    assert totals(breaker) == (1, 0, 0)
    assert breaker.counters().duration_sum == pytest.approx(0.2)


def test_guard_reports_an_exception_and_lets_it_through(make: MakeBreaker) -> None:
    breaker = make()
    with pytest.raises(KeyError), breaker.guard():
        raise KeyError("x")
    assert totals(breaker) == (0, 1, 0)


def test_an_ignored_exception_is_an_answer(make: MakeBreaker) -> None:
    breaker = make()
    with pytest.raises(RefusalError), breaker.guard(ignore=(RefusalError,)):
        raise RefusalError
    assert totals(breaker) == (1, 0, 0)


@pytest.mark.parametrize("leave", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_leaving_abandons_the_call(make: MakeBreaker, leave: type[BaseException]) -> None:
    breaker = make()
    with pytest.raises(leave), breaker.guard():
        raise leave
    assert abandoned(breaker) == 1


def test_cancellation_abandons_the_call(make: MakeBreaker) -> None:
    breaker = make()

    async def main() -> None:
        entered = asyncio.Event()

        async def call() -> None:
            async with breaker.guard():
                entered.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(call())
        await entered.wait()
        assert totals(breaker) == (0, 0, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert abandoned(breaker) == 1


def test_a_rejected_guard_says_why_and_when(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make()
    breaker.trip()
    clock.advance(4)
    with pytest.raises(BreakerOpenError, match=r"\(manual\): retry in 6 s") as caught:
        breaker.guard().__enter__()
    assert caught.value.retry_after == pytest.approx(6)
    assert caught.value.reason == "manual"
    again = pickle.loads(pickle.dumps(caught.value))
    assert repr(again) == (
        """BreakerOpenError("breaker 'default' is open (manual): retry in 6 s")"""
    )
    assert (again.breaker, again.reason, again.retry_after) == (
        "default", "manual", caught.value.retry_after,
    )  # fmt: skip


def test_arguments_may_have_the_names_of_ours(make: MakeBreaker) -> None:
    def told(**given: object) -> dict[str, object]:
        return given

    async def told_later(**given: object) -> dict[str, object]:
        return given

    breaker = make()
    assert breaker.call(told, breaker=1, fn=2) == {"breaker": 1, "fn": 2}
    assert asyncio.run(breaker.call_async(told_later, breaker=1, fn=2)) == {"breaker": 1, "fn": 2}
    assert totals(breaker) == (2, 0, 0)


def test_a_guard_is_for_one_call(make: MakeBreaker) -> None:
    guard = make().guard()
    with guard:
        pass
    with pytest.raises(RuntimeError, match="ask for a new one"), guard:
        pass


def test_decorator_on_a_function(make: MakeBreaker) -> None:
    breaker = make()

    @breaker
    def divide(a: int, b: int = 1) -> float:
        """Divides."""
        return a / b

    assert divide(4, b=2) == 2
    with pytest.raises(ZeroDivisionError):
        divide(1, 0)
    assert divide.__name__ == "divide"
    assert divide.__doc__ == "Divides."
    assert totals(breaker) == (1, 1, 0)
    breaker.force_open()
    with pytest.raises(BreakerOpenError):
        divide(1)


def test_decorator_on_a_coroutine_function(make: MakeBreaker) -> None:
    breaker = make()

    @breaker
    async def answer() -> int:
        await asyncio.sleep(0)
        assert breaker.in_flight == 1
        return 42

    assert inspect.iscoroutinefunction(answer)
    assert asyncio.run(answer()) == 42
    assert totals(breaker) == (1, 0, 0)


def test_decorator_refuses_what_it_cannot_time(make: MakeBreaker) -> None:
    def numbers() -> Iterator[int]:
        yield 1

    async def async_numbers() -> AsyncIterator[int]:
        yield 1

    for function in (numbers, async_numbers):
        with pytest.raises(TypeError, match=r"use `with breaker\.guard"):
            make()(function)


def test_call_and_call_async(make: MakeBreaker) -> None:
    breaker = make()

    async def double(x: int) -> int:
        return 2 * x

    assert breaker.call(max, 1, 5) == 5
    assert asyncio.run(breaker.call_async(double, 4)) == 8
    assert totals(breaker) == (2, 0, 0)
    breaker.force_open()
    with pytest.raises(BreakerOpenError):
        breaker.call(max, 1, 5)
    with pytest.raises(BreakerOpenError):
        asyncio.run(breaker.call_async(double, 4))


Work = Callable[[], None]
Form = Callable[[Breaker, Work], None]
"""Makes one call that does that work, in one of the forms that need no guard."""


def called(breaker: Breaker, work: Work) -> None:
    breaker.call(work)


def called_async(breaker: Breaker, work: Work) -> None:
    async def main() -> None:
        await breaker.call_async(as_coroutine, work)

    asyncio.run(main())


def decorated(breaker: Breaker, work: Work) -> None:
    breaker.guarded(ignore=(RefusalError,))(work)()


def decorated_async(breaker: Breaker, work: Work) -> None:
    async def main() -> None:
        await breaker.guarded(ignore=(RefusalError,))(as_coroutine)(work)

    asyncio.run(main())


async def as_coroutine(work: Work) -> None:
    work()


every_form = pytest.mark.parametrize("form", [called, called_async, decorated, decorated_async])


@every_form
@pytest.mark.parametrize(
    ("raised", "counted"),
    [
        (KeyError, (0, 1, 0)),
        (KeyboardInterrupt, (0, 0, 1)),
        (SystemExit, (0, 0, 1)),
        (asyncio.CancelledError, (0, 0, 1)),
    ],
)
def test_whatever_a_call_raises_is_reported(
    make: MakeBreaker, form: Form, raised: type[BaseException], counted: tuple[int, int, int]
) -> None:
    def work() -> None:
        raise raised

    breaker = make()
    with pytest.raises(raised):
        form(breaker, work)
    counters = breaker.counters()
    assert (counters.success, counters.error, counters.abandoned) == counted
    assert counters.in_flight == 0


@pytest.mark.parametrize("form", [decorated, decorated_async])
def test_an_ignored_exception_is_an_answer_of_a_decorated_function_too(
    make: MakeBreaker, form: Form
) -> None:
    def work() -> None:
        raise RefusalError

    breaker = make()
    with pytest.raises(RefusalError):
        form(breaker, work)
    assert totals(breaker) == (1, 0, 0)


@every_form
def test_the_time_of_a_call_counts(make: MakeBreaker, clock: ManualClock, form: Form) -> None:
    breaker = make()
    form(breaker, lambda: clock.advance(2))
    assert breaker.counters().duration_sum == 2


@every_form
def test_past_the_deadline_nothing_is_called(
    make: MakeBreaker, clock: ManualClock, form: Form
) -> None:
    breaker, calls = make(), []
    with deadline(60, clock=clock):
        form(breaker, lambda: calls.append("in time"))
        clock.advance(61)
        with pytest.raises(DeadlineExceeded, match=r"'default'.*the call was not made"):
            form(breaker, lambda: calls.append("late"))
    form(breaker, lambda: calls.append("afterwards"))
    assert calls == ["in time", "afterwards"]
    assert totals(breaker) == (2, 0, 0)


async def test_a_call_is_cut_off_at_the_callers_deadline(make: MakeBreaker) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    breaker = make()
    for call in (breaker(hang), lambda: breaker.call_async(hang)):
        # On a clock that stands, so that it has not passed on entry, however slow the machine is.
        with (
            deadline(0.01, clock=ManualClock()),
            pytest.raises(DeadlineExceeded, match="deadline that it was given"),
        ):
            await call()
    assert abandoned(breaker) == 2


def test_without_a_task_to_cut_off_no_call_is_left_open(make: MakeBreaker) -> None:
    breaker = make()
    for guard in (breaker.guard(), breaker.guard(timeout=60)):
        with deadline(60), pytest.raises(RuntimeError, match="no running event loop"):
            guard.__aenter__().send(None)
    assert abandoned(breaker) == 2
