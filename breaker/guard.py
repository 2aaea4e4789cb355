"""The forms of a guarded call that cannot forget `done`."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, ParamSpec, Protocol, Self, TypeVar, cast

from breaker.errors import BreakerOpenError

P = ParamSpec("P")
R = TypeVar("R")

Ignored = tuple[type[BaseException], ...]


class Guarded(Protocol):
    """What a guard needs of a breaker."""

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds."""
        ...

    def allow(self) -> bool:
        """Whether the call may go."""
        ...

    def done(self, start: float, end: float, *, error: bool = False) -> None:
        """Reports the call."""
        ...

    def rejection(self) -> BreakerOpenError:
        """The error that says why a call may not go."""
        ...


class Guard:
    """One guarded call, as a context manager, sync or async; raises `BreakerOpenError` on entry.

    The call is reported whatever happens inside. An `Exception` counts as an error, unless it is
    one of `ignore`; a cancellation or an exit of the process does not (it is not the callee's
    fault), but the time it took is reported too. For one use only.
    """

    __slots__ = ("_breaker", "_ignore", "_start")

    def __init__(self, breaker: Guarded, ignore: Ignored = ()) -> None:
        self._breaker = breaker
        self._ignore = ignore
        self._start: float | None = None

    def __enter__(self) -> Self:
        if self._start is not None:
            raise RuntimeError("a guard is for one call; ask for a new one with breaker.guard()")
        if not self._breaker.allow():
            raise self._breaker.rejection()
        self._start = self._breaker.clock()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        breaker = self._breaker
        failed = exc_type is not None and issubclass(exc_type, Exception)
        if failed and self._ignore and isinstance(exc, self._ignore):
            failed = False
        start = cast("float", self._start)  # set by __enter__, without which nobody exits
        breaker.done(start, breaker.clock(), error=failed)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(exc_type, exc, traceback)


def call(breaker: Guarded, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Calls `fn` under the breaker's guard."""
    with Guard(breaker):
        return fn(*args, **kwargs)


async def call_async(
    breaker: Guarded, fn: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Calls and awaits `fn` under the breaker's guard."""
    with Guard(breaker):
        return await fn(*args, **kwargs)


def decorate(breaker: Guarded, fn: Callable[P, R]) -> Callable[P, R]:
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

        @functools.wraps(fn)
        async def guarded_async(*args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401 - R is a coroutine here, and what it yields has no name
            with Guard(breaker):
                return await fn(*args, **kwargs)

        return cast("Callable[P, R]", guarded_async)

    @functools.wraps(fn)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        with Guard(breaker):
            return fn(*args, **kwargs)

    return guarded
