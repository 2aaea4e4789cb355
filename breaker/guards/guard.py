"""One guarded call, in the form that cannot forget `done`: a context manager."""

import sys
from types import TracebackType
from typing import Final, Self

from breakerd.breaker.context import ACTIVE_DEADLINES, PRIORITY, Priority, get_deadline
from breakerd.breaker.errors import DeadlineExceeded
from breakerd.breaker.guards.guard_states import ENDED, SPENT, Ended, Failing, Guarded
from breakerd.breaker.guards.options import Ignored, Terms, Timeout, terms_of
from breakerd.breaker.guards.timeout import TimeLimit

UNUSED: Final = 3 if sys.version_info < (3, 14) and "free-threading" not in sys.version else -1
"""What `sys.getrefcount` says of a guard in a variable that is held by one attribute besides.

So each thread that looks counts, and of several one at most sees this number. Newer interpreters
need not count a variable, and such without a GIL count late: there, none is taken for unused.
"""


def guard_of(
    breaker: Guarded,
    timeout: Timeout | None = None,
    priority: Priority | None = None,
    ignore: Ignored | None = None,
) -> "Guard":
    """A guard that asks the breaker's `allow` and tells its `done`, whatever they are."""
    if timeout is None and priority is None and not ignore:
        guard = Guard()
        guard.breaker, guard._time_limit = breaker, None  # noqa: SLF001 - in place of an `__init__`
        return guard
    return GuardOnTerms(breaker, terms_of(timeout, priority, ignore or ()))


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

    This class is for calls on no terms of their own; `GuardOnTerms` is for the others. It has no
    `__init__`, which would cost as much as all the rest: who makes one sets `breaker` and
    `_time_limit`.

    Attributes:
        breaker: what is asked and told. Another stands in its place once the call is reported, or
            is to fail.

    Raises:
        BreakerOpenError: on entry, where the call may not go.
        DeadlineExceeded: on entry, where the deadline in force has passed; the breaker is not
            asked then, and nothing is counted. In the async form also at the deadline.
        RuntimeError: on a second entry; if the first was not left yet, on leaving, and one of the
            two calls stays in flight until it is given up.
    """

    __slots__ = ("_start", "_time_limit", "breaker")

    breaker: Guarded
    _start: float
    _time_limit: TimeLimit | None

    def __enter__(self) -> Self:
        if ACTIVE_DEADLINES and get_deadline() is not None:
            self._time_limit = TimeLimit(self.breaker.name)
        breaker = self.breaker
        if not breaker.allow():
            raise breaker.rejection()
        self._start = breaker.clock()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        breaker = self.breaker
        self.breaker = SPENT
        end = breaker.clock()
        breaker.done(self._start, end, error=exc is not None and self._failed(exc))

    async def __aenter__(self) -> Self:
        self.__enter__()
        limit = self._time_limit
        if limit is not None:
            try:
                await limit.enforce()
            except BaseException:
                self.end()
                raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._time_limit is not None:
            try:
                await self._time_limit.settle(exc_type, exc, traceback)
            except DeadlineExceeded as exceeded:
                self.__exit__(DeadlineExceeded, exceeded, None)
                raise
        self.__exit__(exc_type, exc, traceback)

    def fail(self) -> None:
        """Counts the call as an error, however its block ends: for answers that are failures."""
        if not isinstance(self.breaker, (Ended, Failing)):
            self.breaker = Failing(self.breaker)

    def end(self, error: BaseException | None = None) -> None:
        """Ends and reports the call before its block does; what follows is no part of it.

        An async guard no longer cancels its body then.

        Args:
            error: the exception that the call ended with, judged as one from the block would be.
        """
        if isinstance(self.breaker, Ended):
            return
        if limit := self._time_limit:
            limit.relent()
        try:
            self.__exit__(None, error, None)
        finally:
            self.breaker = ENDED

    def _failed(self, exc: BaseException) -> bool:
        """Whether the call failed that ended with `exc`."""
        if isinstance(exc, DeadlineExceeded):
            limit = self._time_limit
            return not (limit and limit.outer_expired)
        return isinstance(exc, Exception)


class GuardOnTerms(Guard):
    """The guard of a call that has a time-out or a priority, or whose failures are not all such.

    Args:
        breaker: what is asked and told.
        terms: how the call is guarded.
    """

    __slots__ = ("_around", "_entered", "_terms")

    def __init__(self, breaker: Guarded, terms: Terms) -> None:
        self.breaker, self._time_limit = breaker, None
        self._terms = terms
        self._around: Priority | None = None
        self._entered = False

    def __enter__(self) -> Self:
        breaker, terms = self.breaker, self._terms
        if self._entered:
            SPENT.allow()  # says what is wrong
        limit = None
        if terms.timeout is not None or get_deadline() is not None:
            self._time_limit = limit = TimeLimit(breaker.name)
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
        self._entered = True
        self._start = breaker.clock()
        if limit is not None and (seconds := terms.seconds(breaker.settings)) is not None:
            limit.give(seconds, self._start, breaker.clock)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        breaker = self.breaker
        if isinstance(breaker, Ended):
            return
        self.breaker = ENDED
        self._leave()
        end = breaker.clock()
        failed = exc is not None and self._failed(exc)
        if limit := self._time_limit:
            failed = failed or limit.overrun(end - self._start)
        breaker.done(self._start, end, error=failed)

    def _failed(self, exc: BaseException) -> bool:
        return super()._failed(exc) and not isinstance(exc, self._terms.ignore)

    def _leave(self) -> None:
        """Takes back what this guard put into the context, and nothing else."""
        if self._around is not None:
            PRIORITY.set(self._around)
        if limit := self._time_limit:
            limit.lift()
