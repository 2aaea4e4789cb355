"""A call whose function returns an awaitable lasts until that was awaited."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from concurrent.futures import Future as ThreadFuture
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

from breakerd import (
    Breaker,
    BreakerOpenError,
    DeadlineExceeded,
    Priority,
    State,
    current_priority,
    deadline,
    priority,
    remaining,
)
from breakerd.breaker.guards import awaitables, decorators
from breakerd.breaker.testing import ManualClock

MakeBreaker = Callable[..., Breaker]
SOON, NEVER = 0.01, 3600.0


def totals(breaker: Breaker) -> tuple[int, int, int]:
    """Return successes, errors and abandoned calls; none is in flight."""
    counters = breaker.counters()
    assert counters.in_flight == 0
    return counters.success, counters.error, counters.abandoned


async def answer(result: object = "done") -> object:
    await asyncio.sleep(0)
    if isinstance(result, BaseException):
        raise result
    return result


class AsyncCallable:
    async def __call__(self, result: object = "done") -> object:
        return await answer(result)


class Client:
    async def _get(self, result: object) -> object:
        return await answer(result)

    def get(self, result: object = "done") -> Awaitable[object]:
        return self._get(result)

    async def get_async(self, result: object = "done") -> object:
        return await answer(result)

    @classmethod
    async def of_class(cls, result: object = "done") -> object:
        return await answer(result)

    @staticmethod
    async def of_none(result: object = "done") -> object:
        return await answer(result)


class Reply:
    """An awaitable that is no coroutine."""

    def __init__(self, result: object = "done") -> None:
        self._result = result

    def __await__(self) -> Generator[Any, None, object]:
        return answer(self._result).__await__()


FORMS: dict[str, Callable[..., Awaitable[object]]] = {
    "coroutine function": answer,
    "object with an async __call__": AsyncCallable(),
    "method that returns a coroutine": Client().get,
    "async method": Client().get_async,
    "class method": Client.of_class,
    "static method": Client.of_none,
    "lambda": lambda result="done": answer(result),
    "partial of a coroutine function": functools.partial(answer),
    "partial of an object": functools.partial(AsyncCallable()),
    "partial of a plain method": functools.partial(Client().get),
    "awaitable object": Reply,
    "task": lambda result="done": asyncio.ensure_future(answer(result)),
    "mock": AsyncMock(side_effect=answer),
}

Way = Callable[[Breaker, Callable[..., Any]], Callable[..., Any]]
WAYS: dict[str, Way] = {
    "decorated": lambda breaker, fn: breaker(fn),
    "guarded": lambda breaker, fn: breaker.guarded(timeout=NEVER)(fn),
    "call": lambda breaker, fn: functools.partial(breaker.call, fn),
    "call_async": lambda breaker, fn: functools.partial(breaker.call_async, fn),
    "call with a fallback": lambda breaker, fn: functools.partial(
        breaker.call, fn, fallback=re_raise
    ),
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def re_raise(error: Exception) -> None:
    raise error


@every_way
async def test_it_is_awaited_and_judged(make: MakeBreaker, way: Way) -> None:
    for name, form in FORMS.items():
        breaker = make(error_threshold=0.5, minimum_calls=3, wait_time=1, latency_window_size=4)
        call = way(breaker, form)
        assert await call("fine") == "fine", name
        assert totals(breaker) == (1, 0, 0), name
        for _ in range(2):
            with pytest.raises(KeyError):
                await call(KeyError())
        assert breaker.counters().error == 2, name
        assert breaker.state is State.OPEN, name
        with pytest.raises(BreakerOpenError):
            await call("fine")


@every_way
async def test_its_time_is_that_of_the_work(
    make: MakeBreaker, clock: ManualClock, way: Way
) -> None:
    for name, form in FORMS.items():
        breaker = make()
        task = asyncio.ensure_future(way(breaker, form)("fine"))
        await asyncio.sleep(0)
        assert breaker.in_flight == 1, name
        clock.advance(2)
        assert await task == "fine"
        await asyncio.sleep(0)
        assert totals(breaker) == (1, 0, 0), name
        assert breaker.counters().duration_sum == pytest.approx(2), name


@pytest.mark.parametrize("way", ["decorated", "guarded", "call", "call with a fallback"])
async def test_what_is_never_awaited_is_abandoned(make: MakeBreaker, way: str) -> None:
    for name, form in FORMS.items():
        if name == "task":
            continue
        breaker = make()
        made = WAYS[way](breaker, form)()
        made.close()
        made.close()
        admitted_late = totals(breaker) == (0, 0, 0)  # a coroutine function asks when it is awaited
        assert totals(breaker) == (0, 0, 0 if admitted_late else 1), name
        with pytest.raises(RuntimeError, match="cannot reuse already awaited"):
            await made
        assert breaker.in_flight == 0


async def test_what_is_dropped_is_abandoned_and_says_so(make: MakeBreaker) -> None:
    breaker = make()
    guarded = breaker(Client().get)
    with pytest.warns(RuntimeWarning, match=r"'Client\._get' was never awaited"):
        guarded()
    assert totals(breaker) == (0, 0, 1)


async def test_a_task_cancelled_before_its_first_step_abandons_the_call(make: MakeBreaker) -> None:
    breaker = make()
    task = asyncio.create_task(breaker.call(answer))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert totals(breaker) == (0, 0, 1)


async def test_a_task_cancelled_later_abandons_it_too(make: MakeBreaker) -> None:
    breaker = make()
    for hang in (lambda: asyncio.Event().wait(), lambda: asyncio.ensure_future(asyncio.sleep(60))):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SOON):
                await breaker.call(hang)
        await asyncio.sleep(0)
    assert totals(breaker) == (0, 0, 2)


async def test_it_is_a_coroutine_to_asyncio(make: MakeBreaker) -> None:
    made: Any = make()(Client().get)("x")
    assert made.cr_frame is not None
    assert asyncio.iscoroutine(made)
    assert isinstance(made, Coroutine)
    assert inspect.isawaitable(made)
    task = asyncio.create_task(made)
    assert "Client._get" in repr(task)
    assert await asyncio.gather(task) == ["x"]


async def test_a_future_stays_the_same_future(make: MakeBreaker) -> None:
    breaker = make()
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(3)]
    guarded = breaker(futures.__getitem__)
    assert all(guarded(n) is future for n, future in enumerate(futures))
    assert breaker.in_flight == 3
    futures[0].set_result(1)
    futures[1].set_exception(KeyError())
    futures[2].cancel()
    await asyncio.gather(*futures, return_exceptions=True)
    assert totals(breaker) == (1, 1, 1)


def test_the_future_of_a_thread_is_followed_too(make: MakeBreaker) -> None:
    breaker = make()
    release: ThreadFuture[int] = ThreadFuture()
    with ThreadPoolExecutor(1) as pool:
        future = breaker.call(pool.submit, release.result)
        assert breaker.in_flight == 1
        release.set_result(1)
        assert future.result() == 1
    with ThreadPoolExecutor(1) as pool:
        assert isinstance(breaker.call(pool.submit, int, "x").exception(), ValueError)
    assert totals(breaker) == (1, 1, 0)


def test_a_type_is_looked_at_once(make: MakeBreaker, monkeypatch: pytest.MonkeyPatch) -> None:
    class Result:
        """Anything."""

    breaker, looked = make(), list[object]()
    look = awaitables.is_unfinished

    def watch(result: object) -> bool:
        looked.append(result)
        return look(result)

    for module in (awaitables, decorators):
        monkeypatch.setattr(module, "is_unfinished", watch)
    for _ in range(3):
        breaker(Result)()
        breaker.call(Result)
    assert len(looked) == 1


def test_few_types_are_kept(make: MakeBreaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awaitables, "_MAX_TYPES", len(awaitables.FINISHED_TYPES) + 1)
    breaker = make()
    for n in range(3):
        breaker.call(type(f"Result{n}", (), {}))
    assert len(awaitables.FINISHED_TYPES) == awaitables._MAX_TYPES
    assert totals(breaker) == (3, 0, 0)


async def test_a_generator_is_looked_at_each_time(make: MakeBreaker) -> None:
    @types.coroutine
    def old_style() -> Generator[Any, None, str]:
        yield from answer().__await__()
        return "done"

    breaker = make()
    breaker.call(untyped, iter_of(()))
    made = breaker.call(lambda: old_style())  # noqa: PLW0108 - not refused, as it would be itself
    assert breaker.in_flight == 1
    assert await made == "done"
    assert totals(breaker) == (2, 0, 0)


class Session:
    """As aiohttp's: what it returns can be awaited, and entered."""

    class Request(Coroutine[Any, Any, str]):
        def __init__(self) -> None:
            self._coroutine = answer()

        def send(self, value: Any) -> Any:
            return self._coroutine.send(value)

        def throw(self, *error: Any) -> Any:
            return self._coroutine.throw(*error)

        def close(self) -> None:
            self._coroutine.close()

        def __await__(self) -> Generator[Any, Any, Any]:
            return self._coroutine.__await__()

        async def __aenter__(self) -> str:
            return str(await self._coroutine)

        async def __aexit__(self, *error: object) -> None:
            """Nothing."""

    def get(self) -> Session.Request:
        return Session.Request()


@pytest.mark.parametrize("way", ["decorated", "guarded", "call", "call with a fallback"])
async def test_more_than_an_awaitable_is_refused_at_once(make: MakeBreaker, way: str) -> None:
    breaker = make()
    for _ in range(2):
        with pytest.raises(TypeError, match=r"Session\.Request, which is more than an awaitable"):
            WAYS[way](breaker, Session().get)()
    assert totals(breaker) == (0, 0, 2)
    assert await breaker.call_async(Session().get) == "done"


async def test_call_async_says_what_it_cannot_await(make: MakeBreaker) -> None:
    breaker = make()
    extras: list[dict[str, Any]] = [{}, {"fallback": re_raise}]
    for extra in extras:
        with pytest.raises(TypeError, match=r"int, which cannot be awaited; use breaker\.call"):
            await breaker.call_async(untyped(int), **extra)
    assert totals(breaker) == (2, 0, 0)


def test_other_results_are_results(make: MakeBreaker) -> None:
    breaker = make()
    for result in (MagicMock(), object(), (n for n in range(3)), iter(()), type, open):
        returned = functools.partial(untyped, result)
        assert breaker.call(returned) is result
        assert breaker(returned)() is result
    assert totals(breaker) == (12, 0, 0)


def iter_of(values: tuple[int, ...]) -> Iterator[int]:
    yield from values


class Proxy:
    """As those of web frameworks: outside of a request, it cannot even tell its class."""

    @property
    def __class__(self) -> Any:
        raise RuntimeError("working outside of the request")

    @__class__.setter
    def __class__(self, _cls: Any) -> None:
        """Nothing."""


def test_a_result_that_cannot_tell_its_class_leaks_no_call(make: MakeBreaker) -> None:
    breaker = make()
    proxy: object = Proxy()
    breaker.call(untyped, proxy)
    breaker(untyped)(proxy)
    assert totals(breaker) == (2, 0, 0)


def untyped(value: Any) -> Any:
    return value


def plainly(fn: Callable[[], Any]) -> Any:
    return fn()


# --- the context


@pytest.mark.parametrize("as_task", [True, False])
async def test_priority_and_deadline_hold_while_it_is_awaited(
    make: MakeBreaker, as_task: bool
) -> None:
    breaker, seen = make(), list[object]()

    async def look() -> None:
        left = remaining()
        seen.append((current_priority(), left is not None and left <= 60))

    guarded = breaker.guarded(timeout=60, priority=Priority.SHEDDABLE)(
        functools.partial(plainly, look)
    )
    made = guarded()
    assert current_priority() is Priority.CRITICAL
    assert remaining() is None
    await (asyncio.create_task(made) if as_task else made)
    assert seen == [(Priority.SHEDDABLE, True)]
    assert current_priority() is Priority.CRITICAL
    assert remaining() is None
    assert totals(breaker) == (1, 0, 0)


async def test_a_future_that_ends_elsewhere_changes_no_context(make: MakeBreaker) -> None:
    breaker = make()
    future: ThreadFuture[int] = ThreadFuture()
    breaker.guarded(timeout=60, priority=Priority.SHEDDABLE)(lambda: future)()

    def end_it() -> None:
        with deadline(60), priority(Priority.SHEDDABLE_PLUS):
            future.set_result(1)
            assert current_priority() is Priority.SHEDDABLE_PLUS
            assert remaining() is not None

    contextvars.copy_context().run(end_it)
    assert totals(breaker) == (1, 0, 0)


def test_without_a_task_to_cut_off_it_is_abandoned_and_closed(make: MakeBreaker) -> None:
    breaker = make()
    with deadline(60):
        made = breaker.call(answer)
        with pytest.raises(RuntimeError, match="no running event loop"):
            made.send(None)
    assert totals(breaker) == (0, 0, 1)


async def test_its_own_time_out_cancels_it_and_is_an_error(make: MakeBreaker) -> None:
    breaker = make()
    with pytest.raises(DeadlineExceeded, match=r"within 0\.01 s"):
        await breaker.guarded(timeout=SOON)(lambda: asyncio.Event().wait())()
    assert totals(breaker) == (0, 1, 0)


async def test_the_callers_deadline_cancels_it_and_abandons_it(make: MakeBreaker) -> None:
    breaker = make()
    for way in (breaker, lambda fn: lambda: breaker.call(fn)):
        # On a clock that stands, so that it has not passed on entry, however slow the machine is.
        with deadline(SOON, clock=ManualClock()), pytest.raises(DeadlineExceeded):
            await way(lambda: asyncio.Event().wait())()
    assert totals(breaker) == (0, 0, 2)


# --- what cannot be awaited


def numbers() -> Iterator[int]:
    yield 1


async def later_numbers() -> AsyncIterator[int]:
    yield 1


class Numbers:
    def __call__(self) -> Iterator[int]:
        yield 1


class LaterNumbers:
    async def __call__(self) -> AsyncIterator[int]:
        yield 1


@pytest.mark.parametrize(
    ("fn", "kind"),
    [
        (numbers, "a generator function"),
        (Numbers(), "a generator function"),
        (functools.partial(numbers), "a generator function"),
        (later_numbers, "an async generator function"),
        (LaterNumbers(), "an async generator function"),
        (contextmanager(numbers), "a context manager function"),
        (asynccontextmanager(later_numbers), "a context manager function"),
        (functools.partial(contextmanager(numbers)), "a context manager function"),
    ],
)
def test_work_that_is_done_after_the_call_is_refused(
    make: MakeBreaker, fn: Callable[..., Any], kind: str
) -> None:
    breaker = make()
    with pytest.raises(TypeError, match=f"is {kind}, whose call ends before its work does"):
        breaker(fn)
    with pytest.raises(TypeError, match=r"use `with breaker\.guard"):
        breaker.guarded(timeout=1)(fn)


@pytest.mark.parametrize("fallback", [{}, {"fallback": str}])
@pytest.mark.parametrize(
    "fn", [numbers, LaterNumbers(), contextmanager(numbers), asynccontextmanager(later_numbers)]
)
def test_call_refuses_it_too(make: MakeBreaker, fn: Callable[..., Any], fallback: Any) -> None:
    breaker = make()
    with pytest.raises(TypeError, match="whose call ends before its work does"):
        breaker.call(fn, **fallback)
    assert totals(breaker) == (0, 0, 1)
    assert breaker.counters().in_flight == 0


class GrpcCall:
    """As a call of grpc.aio: it takes callbacks, and its result is only awaited."""

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        asyncio.get_running_loop().call_soon(callback, self)

    def cancelled(self) -> bool:
        return False

    def __await__(self) -> Generator[Any, None, object]:
        return answer().__await__()


async def test_what_takes_callbacks_and_is_no_future_is_awaited(make: MakeBreaker) -> None:
    breaker = make()
    assert await breaker.call(GrpcCall) == "done"
    assert await breaker(GrpcCall)() == "done"
    await asyncio.sleep(0)
    assert totals(breaker) == (2, 0, 0)
    assert breaker.counters().in_flight == 0


def test_a_future_that_takes_no_callback_leaks_no_call(make: MakeBreaker) -> None:
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    future.set_result(1)
    loop.close()
    breaker = make()
    with pytest.raises(RuntimeError, match="closed"):
        breaker.call(untyped, future)
    assert totals(breaker) == (0, 0, 1)
    assert breaker.counters().in_flight == 0


@pytest.mark.parametrize("wrong", [42, None, property(len), functools.cached_property(len)])
def test_what_cannot_be_called_is_not_decorated(make: MakeBreaker, wrong: Any) -> None:
    with pytest.raises(TypeError, match="cannot be called; decorate a function"):
        make()(wrong)


async def test_methods_of_a_class_may_be_decorated_outside(make: MakeBreaker) -> None:
    breaker = make()

    class Service:
        name = "service"

        @breaker
        @classmethod
        def of_class(cls, more: str) -> str:
            return cls.name + more

        @breaker.guarded(timeout=NEVER)
        @staticmethod
        async def of_none(more: str) -> str:
            return more

    assert Service.of_class("!") == "service!"
    assert Service().of_class("?") == "service?"
    assert await Service.of_none("x") == "x"
    assert await Service().of_none("y") == "y"
    assert totals(breaker) == (4, 0, 0)
