"""Functions whose every call is guarded.

Where nothing is to be done but to ask and to report, that is written out four times over, for
functions and coroutine functions, called here or decorated: a guard, or one call more, would cost
more than the breaker.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

from breakerd.breaker.context import ACTIVE_DEADLINES, get_deadline
from breakerd.breaker.guards.guard import GuardOnTerms
from breakerd.breaker.guards.guard_states import Guarded
from breakerd.breaker.guards.options import PLAIN, Terms

P = ParamSpec("P")
R = TypeVar("R")


def call(breaker: Guarded, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Calls `fn` guarded. Raises `BreakerOpenError` where it may not go.

    Where a deadline is in force that has passed, raises `DeadlineExceeded`, and asks nobody.
    """
    if ACTIVE_DEADLINES and get_deadline() is not None:
        with GuardOnTerms(breaker, PLAIN):
            return fn(*args, **kwargs)
    if not breaker.allow():
        raise breaker.rejection()
    clock = breaker.clock
    start = clock()
    try:
        result = fn(*args, **kwargs)
    except BaseException as error:
        breaker.done(start, clock(), error=isinstance(error, Exception))
        raise
    breaker.done(start, clock())
    return result


async def call_async(
    breaker: Guarded, fn: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs
) -> R:
    """Calls and awaits `fn` guarded. Raises `BreakerOpenError` where it may not go.

    Raises `DeadlineExceeded` at the deadline in force, and where it has passed asks nobody.
    """
    if ACTIVE_DEADLINES and get_deadline() is not None:
        async with GuardOnTerms(breaker, PLAIN):
            return await fn(*args, **kwargs)
    if not breaker.allow():
        raise breaker.rejection()
    clock = breaker.clock
    start = clock()
    try:
        result = await fn(*args, **kwargs)
    except BaseException as error:
        breaker.done(start, clock(), error=isinstance(error, Exception))
        raise
    breaker.done(start, clock())
    return result


@dataclass(frozen=True, slots=True)
class Decorator:
    """Decorates functions so that each of their calls is guarded on the same terms."""

    breaker: Guarded
    terms: Terms

    def __call__(self, fn: Callable[P, R]) -> Callable[P, R]:
        """`fn`, guarded; see `decorate`."""
        return decorate(self.breaker, fn, self.terms)


def decorate(breaker: Guarded, fn: Callable[P, R], terms: Terms = PLAIN) -> Callable[P, R]:
    """`fn` with each call guarded; a coroutine function stays one.

    Raises:
        TypeError: `fn` is a generator function: it returns before its work is done, so only a
            guard inside of it can tell how long that takes.
    """
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        raise TypeError(
            f"{fn.__qualname__} is a generator function, whose call ends before its work does; "
            "use `with breaker.guard():` inside it"
        )
    if inspect.iscoroutinefunction(fn):
        return cast("Callable[P, R]", _guarded_async(breaker, fn, terms))
    return _guarded(breaker, fn, terms)


def _guarded(breaker: Guarded, fn: Callable[P, R], terms: Terms) -> Callable[P, R]:
    limited, ignore = terms.timeout is not None or terms.priority is not None, terms.ignore

    @functools.wraps(fn)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if limited or (ACTIVE_DEADLINES and get_deadline() is not None):
            with GuardOnTerms(breaker, terms):
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
    breaker: Guarded, fn: Callable[P, Awaitable[Any]], terms: Terms
) -> Callable[P, Awaitable[Any]]:
    limited, ignore = terms.timeout is not None or terms.priority is not None, terms.ignore

    @functools.wraps(fn)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        if limited or (ACTIVE_DEADLINES and get_deadline() is not None):
            async with GuardOnTerms(breaker, terms):
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
