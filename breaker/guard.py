"""The forms of a guarded call that cannot forget `done`."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from types import TracebackType
from typing import Any, Final, Literal, ParamSpec, Protocol, Self, TypeVar, cast

from breaker.context import (
    DEADLINE,
    PRIORITY,
    Deadline,
    Priority,
    deadline_in_force,
    nearest,
)
from breaker.errors import BreakerOpenError, DeadlineExceeded
from breaker.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

Ignored = tuple[type[BaseException], ...]
Timeout = float | Literal["slo"]


class Guarded(Protocol):
    """What a guard needs of a breaker."""

    name: str

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...

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


@dataclass(frozen=True, slots=True)
class Terms:
    """How a call is guarded.

    Attributes:
        timeout: seconds the call may take, above 0; "slo" for the time-out of the service level
            that is stated when the call begins, if one is.
        priority: how important the call is; None leaves it as it is around.
        ignore: exceptions that are an answer and no failure.
    """

    timeout: Timeout | None = None
    priority: Priority | None = None
    ignore: Ignored = ()

    def __post_init__(self) -> None:
        if self.timeout is None or self.timeout == "slo":
            return
        if not 0 < self.timeout < inf:
            raise ValueError(f"timeout is {self.timeout}; allowed: seconds above 0, 'slo', or None")

    def seconds(self, settings: Settings) -> float | None:
        """The time-out of a call that begins under `settings`."""
        if self.timeout != "slo":
            return self.timeout
        return settings.slo.timeout if settings.slo else None


PLAIN: Final = Terms()


class Guard:
    """One guarded call, as a context manager, sync or async. For one use only.

    The call is reported whatever happens inside. It counts as an error if it took longer than the
    guard's own time-out, or raised an `Exception` that is not one of `ignore`. A cancellation and
    an exit of the process do not count as errors, nor does a `DeadlineExceeded` once the time that
    a caller gave has run out: they are not the callee's fault. The time it took always counts.

    The async form cancels its body at the nearest of its own time-out and the deadline in force,
    and raises `DeadlineExceeded` (`asyncio.timeout` does it, by the event loop's clock; where an
    async guard around it will do so at the same moment, that one does). The sync
    form interrupts nothing: it hands the deadline to those that ask for it inside, and a late
    answer is still returned, as throwing it away would gain nothing.

    Raises:
        BreakerOpenError: on entry, where the call may not go.
        DeadlineExceeded: on entry, where the deadline in force has passed; the breaker is not
            asked then, and nothing is counted. In the async form also at the deadline.
    """

    __slots__ = (
        "_around",
        "_breaker",
        "_cutoff",
        "_ended",
        "_failing",
        "_limit",
        "_outer",
        "_start",
        "_terms",
        "_timeout",
    )

    def __init__(self, breaker: Guarded, terms: Terms = PLAIN) -> None:
        self._breaker = breaker
        self._terms = terms
        self._start: float | None = None
        self._timeout: float | None = None
        self._cutoff: asyncio.Timeout | None = None
        self._failing = self._ended = False

    def __enter__(self) -> Self:
        if self._start is not None:
            raise RuntimeError("a guard is for one call; ask for a new one with breaker.guard()")
        breaker, terms = self._breaker, self._terms
        self._outer = self._limit = outer = deadline_in_force()
        if outer is not None and outer.remaining() <= 0:
            raise self._too_late(outer)
        if terms.priority is not None:
            self._around = PRIORITY.get()
            PRIORITY.set(terms.priority)
        allowed = False
        try:
            allowed = breaker.allow()
        finally:
            if not allowed:
                self._leave()
        if not allowed:
            raise breaker.rejection()
        self._start = breaker.clock()
        if terms.timeout is not None:
            self._limit_time(self._start)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._report(exc)

    async def __aenter__(self) -> Self:
        self.__enter__()
        if self._limit is not None and not self._limit.enforced:
            self._limit.enforced = self._limit is not self._outer
            self._cutoff = asyncio.timeout(self._limit.remaining())
            await self._cutoff.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._cutoff is not None:
            try:
                await self._cutoff.__aexit__(exc_type, exc, traceback)
            except TimeoutError as expired:
                exceeded = self._exceeded()
                self._report(exceeded)
                raise exceeded from expired
        self._report(exc)

    def fail(self) -> None:
        """Counts the call as an error, however its block ends: for answers that are failures."""
        self._failing = True

    def end(self, error: BaseException | None = None) -> None:
        """Ends and reports the call before its block does; what follows is no part of it.

        An async guard no longer cancels its body then.

        Args:
            error: the exception that the call ended with, judged as one from the block would be.
        """
        if self._cutoff is not None and not self._cutoff.expired():
            self._cutoff.reschedule(None)
        self._report(error)

    def _limit_time(self, start: float) -> None:
        self._timeout = self._terms.seconds(self._breaker.settings)
        if self._timeout is not None:
            own = Deadline(start + self._timeout, self._breaker.clock)
            self._limit = nearest(self._outer, own)
            DEADLINE.set(self._limit)

    def _leave(self) -> None:
        """Takes back what this guard put into the context, and nothing else."""
        if self._terms.priority is not None:
            PRIORITY.set(self._around)
        if self._timeout is not None:
            DEADLINE.set(self._outer)
            if self._limit is not None and self._limit is not self._outer:
                self._limit.lift()

    def _report(self, exc: BaseException | None) -> None:
        if self._ended:
            return
        self._ended = True
        if self._terms is not PLAIN:
            self._leave()
        breaker = self._breaker
        start = cast("float", self._start)  # set by __enter__, without which nobody exits
        end = breaker.clock()
        failed = self._failing or (exc is not None and self._failed(exc))
        if self._timeout is not None:
            failed = failed or self._own_expired or end - start > self._timeout
        breaker.done(start, end, error=failed)

    def _failed(self, exc: BaseException) -> bool:
        if not isinstance(exc, Exception) or isinstance(exc, self._terms.ignore):
            return False
        return not (isinstance(exc, DeadlineExceeded) and self._outer_expired)

    def _too_late(self, outer: Deadline) -> DeadlineExceeded:
        return DeadlineExceeded(
            f"breaker {self._breaker.name!r}: the deadline passed {-outer.remaining():.3f} s ago, "
            "so the call was not made",
            started=False,
        )

    def _exceeded(self) -> DeadlineExceeded:
        limit = f"{self._timeout:g} s" if self._own_expired else "the deadline that it was given"
        return DeadlineExceeded(
            f"breaker {self._breaker.name!r}: the call did not end within {limit}"
        )

    @property
    def _expired(self) -> bool:
        return self._cutoff is not None and self._cutoff.expired()

    @property
    def _own_expired(self) -> bool:
        return self._expired and self._limit is not self._outer

    @property
    def _outer_expired(self) -> bool:
        if self._outer is None:
            return False
        return self._outer.remaining() <= 0 or (self._expired and not self._own_expired)


def call(breaker: Guarded, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Calls `fn` under the breaker's guard."""
    with Guard(breaker):
        return fn(*args, **kwargs)


async def call_async(
    breaker: Guarded, fn: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Calls and awaits `fn` under the breaker's guard."""
    async with Guard(breaker):
        return await fn(*args, **kwargs)


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

        @functools.wraps(fn)
        async def guarded_async(*args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401 - R is a coroutine here, and what it yields has no name
            async with Guard(breaker, terms):
                return await fn(*args, **kwargs)

        return cast("Callable[P, R]", guarded_async)

    @functools.wraps(fn)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        with Guard(breaker, terms):
            return fn(*args, **kwargs)

    return guarded
