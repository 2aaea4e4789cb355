"""Guard a single call, or every call of a function.

Decorated functions ask and report by themselves where there is no time-out and no priority: a guard
would cost more than the breaker. `call` and `call_async` use a guard.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from breakerd.breaker.context import ACTIVE_DEADLINES, get_deadline
from breakerd.breaker.guards.guard import ConfiguredGuard, Guard
from breakerd.breaker.guards.options import DEFAULT_OPTIONS, CallOptions
from breakerd.breaker.guards.target import GuardTarget

P = ParamSpec("P")
R = TypeVar("R")


class Guarded(Protocol):
    """The breaker as `call` sees it."""

    def guard(self) -> Guard:
        """Return a guard for one call."""
        ...


def call(breaker: Guarded, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `fn` guarded, and return its result.

    Raises:
        BreakerOpenError: the breaker rejects the call; `fn` was not called.
        DeadlineExceeded: the deadline in force has passed; neither breaker nor `fn` was called.
    """
    with breaker.guard():
        return fn(*args, **kwargs)


async def call_async(
    breaker: Guarded, fn: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs
) -> R:
    """Call and await `fn` guarded, and return its result.

    Raises:
        BreakerOpenError: the breaker rejects the call; `fn` was not called.
        DeadlineExceeded: the deadline in force has passed; at entry neither breaker nor `fn` was
            called, later the call was cancelled.
    """
    async with breaker.guard():
        return await fn(*args, **kwargs)


@dataclass(frozen=True, slots=True)
class Decorator:
    """Decorates functions so that each of their calls is guarded with the same options."""

    breaker: GuardTarget
    options: CallOptions

    def __call__(self, fn: Callable[P, R]) -> Callable[P, R]:
        """Return `fn` with each call guarded; see `decorate`."""
        return decorate(self.breaker, fn, self.options)


def decorate(
    breaker: GuardTarget, fn: Callable[P, R], options: CallOptions = DEFAULT_OPTIONS
) -> Callable[P, R]:
    """Return `fn` with each call guarded; a coroutine function stays one.

    Raises:
        TypeError: `fn` is a generator function. Its call returns before its work is done, so only
            a guard inside it can measure that.
    """
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        raise TypeError(
            f"{fn.__qualname__} is a generator function, whose call ends before its work does; "
            "use `with breaker.guard():` inside it"
        )
    if inspect.iscoroutinefunction(fn):
        return cast("Callable[P, R]", _guarded_async(breaker, fn, options))
    return _guarded(breaker, fn, options)


def _guarded(breaker: GuardTarget, fn: Callable[P, R], options: CallOptions) -> Callable[P, R]:
    limited, ignore = options.timeout is not None or options.priority is not None, options.ignore

    @functools.wraps(fn)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if limited or (ACTIVE_DEADLINES and get_deadline() is not None):
            with ConfiguredGuard(breaker, options):
                return fn(*args, **kwargs)
        if not breaker.allow():
            raise breaker.rejection()
        clock = breaker.clock
        start = clock()
        try:
            result = fn(*args, **kwargs)
        except BaseException as error:
            failed = isinstance(error, Exception) and not isinstance(error, ignore)
            breaker.done(start, clock(), error=failed)
            raise
        breaker.done(start, clock())
        return result

    return guarded


def _guarded_async(
    breaker: GuardTarget, fn: Callable[P, Awaitable[Any]], options: CallOptions
) -> Callable[P, Awaitable[Any]]:
    limited, ignore = options.timeout is not None or options.priority is not None, options.ignore

    @functools.wraps(fn)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        if limited or (ACTIVE_DEADLINES and get_deadline() is not None):
            async with ConfiguredGuard(breaker, options):
                return await fn(*args, **kwargs)
        if not breaker.allow():
            raise breaker.rejection()
        clock = breaker.clock
        start = clock()
        try:
            result = await fn(*args, **kwargs)
        except BaseException as error:
            failed = isinstance(error, Exception) and not isinstance(error, ignore)
            breaker.done(start, clock(), error=failed)
            raise
        breaker.done(start, clock())
        return result

    return guarded
