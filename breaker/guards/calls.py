"""Guard a single call: `breaker.call` and `breaker.call_async`."""

from collections.abc import Awaitable, Callable
from types import CoroutineType
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from breakerd.breaker.guards.awaitables import (
    FINISHED_TYPES,
    require_awaitable,
    require_begun,
    settle,
)
from breakerd.breaker.guards.guard import Guard
from breakerd.breaker.guards.options import DEFAULT_OPTIONS
from breakerd.breaker.guards.rules import check_fallback
from breakerd.breaker.guards.runner import Runner
from breakerd.breaker.guards.target import GuardTarget

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


class Guarded(GuardTarget, Protocol):
    """The breaker as `call` sees it."""

    def guard(self) -> Guard:
        """Return a guard for one call."""
        ...


@overload
def call(
    breaker: Guarded,
    fn: Callable[..., R],
    /,
    *args: Any,
    fallback: Callable[[Exception], S],
    **kwargs: Any,
) -> R | S: ...
@overload
def call(breaker: Guarded, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
def call(breaker: Guarded, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call `fn` guarded, and return its result.

    All arguments are its own, except `fallback`: a function of the exception that returns a result
    in place of a failure or a rejection. If the result is awaitable, the call lasts until it was
    awaited.

    Raises:
        BreakerOpenError: the breaker rejects the call; `fn` was not called.
        DeadlineExceeded: the deadline in force has passed; neither breaker nor `fn` was called.
        TypeError: `fallback` is no such function; or the result is more than an awaitable; or `fn`
            is a generator function, whose work begins after the call.
    """
    if breaker.rules.need_result or (kwargs and "fallback" in kwargs):
        return _runner(breaker, kwargs).run(fn, args, kwargs)
    with breaker.guard() as guard:
        result = fn(*args, **kwargs)
        if type(result) in FINISHED_TYPES:
            return result
        return settle(guard, require_begun(guard, fn, result))


@overload
async def call_async(
    breaker: Guarded,
    fn: Callable[..., Awaitable[R]],
    /,
    *args: Any,
    fallback: Callable[[Exception], Awaitable[S]],
    **kwargs: Any,
) -> R | S: ...
@overload
async def call_async(
    breaker: Guarded,
    fn: Callable[..., Awaitable[R]],
    /,
    *args: Any,
    fallback: Callable[[Exception], S],
    **kwargs: Any,
) -> R | S: ...
@overload
async def call_async(
    breaker: Guarded, fn: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs
) -> R: ...
async def call_async(
    breaker: Guarded, fn: Callable[..., Awaitable[Any]], /, *args: Any, **kwargs: Any
) -> Any:
    """Call and await `fn` guarded, and return its result.

    All arguments are its own, except `fallback`, as for `call`; its result is awaited if it can be.

    Raises:
        BreakerOpenError: the breaker rejects the call; `fn` was not called.
        DeadlineExceeded: the deadline in force has passed; at entry neither breaker nor `fn` was
            called, later the call was cancelled.
        TypeError: `fallback` is no such function; or `fn` returned what cannot be awaited.
    """
    if breaker.rules.need_result or (kwargs and "fallback" in kwargs):
        return await _runner(breaker, kwargs).run_async(fn, args, kwargs)
    async with breaker.guard() as guard:
        result = fn(*args, **kwargs)
        if type(result) is not CoroutineType:
            require_awaitable(guard, result)
        return await result


def _runner(breaker: Guarded, kwargs: dict[str, Any]) -> Runner:
    """Return what runs a call with a fallback or rules for its result; takes the fallback out."""
    rules = breaker.rules
    fallback = check_fallback(kwargs.pop("fallback", None)) or rules.fallback
    return Runner(breaker, DEFAULT_OPTIONS, rules, fallback)
