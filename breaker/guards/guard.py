"""One guarded call as a context manager, which cannot forget to report."""

from types import TracebackType
from typing import Final, Self

from breakerd.breaker.context import ACTIVE_DEADLINES, PRIORITY, Priority, get_deadline
from breakerd.breaker.errors import DeadlineExceeded
from breakerd.breaker.guards.options import CallOptions, Ignored, Timeout, cached_options
from breakerd.breaker.guards.target import GuardTarget
from breakerd.breaker.guards.timeout import CallTimeout

# Phases of a guard. Plain integers: a member of an Enum costs 75 ns to look up in CPython 3.11.
NEW: Final = 0
MARKED_FAILED: Final = 1
"""`fail()` was called before the guard was entered."""
ENTERED: Final = 2
FAILED: Final = 3
"""Entered, and `fail()` was called."""
DONE: Final = 4


def make_guard(
    breaker: GuardTarget,
    timeout: Timeout | None = None,
    priority: Priority | None = None,
    ignore: Ignored | None = None,
) -> "Guard":
    """Return a guard that calls `allow` and `done` of any breaker, subclasses included.

    Raises:
        ValueError: `timeout` is not a finite number above 0.
    """
    if timeout is None and priority is None and not ignore:
        guard = Guard()
        guard.breaker, guard._timeout, guard._phase = breaker, None, NEW  # noqa: SLF001 - in place of an `__init__`
        return guard
    return ConfiguredGuard(breaker, cached_options(timeout, priority, ignore or ()))


class Guard:
    """One guarded call, as a context manager, sync or async. For one use.

    Reports the call however its block ends. The call counts as an error if it took longer than the
    guard's own time-out, or raised an `Exception` that is not one of `ignore`. A cancellation or an
    exit of the process is no error. Neither is a `DeadlineExceeded` once the deadline that a caller
    set has passed: it is not the callee's fault. The duration counts in every case.

    The async form cancels its body at the earlier of its own time-out and the deadline in force,
    by `asyncio.timeout`, and raises `DeadlineExceeded`. The sync form interrupts nothing: it passes
    the deadline to code that asks for it inside, and a late result is still returned.

    This class has no options; `ConfiguredGuard` has. It has no `__init__`, which would cost as much
    as all the rest: whoever makes one sets `breaker`, `_timeout` and `_phase`.

    Attributes:
        breaker: the breaker that is asked and that the call is reported to.

    Raises:
        BreakerOpenError: on entry, if the breaker rejects the call.
        DeadlineExceeded: on entry, if the deadline in force has passed: the breaker is not asked
            then, and nothing is counted. In the async form also at the deadline.
        RuntimeError: on a second entry.
    """

    __slots__ = ("_phase", "_start", "_timeout", "breaker")

    breaker: GuardTarget
    _phase: int
    _start: float
    _timeout: CallTimeout | None

    def __enter__(self) -> Self:
        phase = self._phase
        if phase > MARKED_FAILED:
            raise RuntimeError("a guard is for one call; ask for a new one with breaker.guard()")
        self._open()
        self._phase = FAILED if phase else ENTERED
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        phase, self._phase = self._phase, DONE
        if phase != DONE:
            breaker = self.breaker
            self._close(phase, exc, breaker.clock())

    async def __aenter__(self) -> Self:
        self.__enter__()
        timeout = self._timeout
        if timeout is not None:
            try:
                await timeout.enter_async()
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
        if self._timeout is not None:
            try:
                await self._timeout.exit_async(exc_type, exc, traceback)
            except DeadlineExceeded as exceeded:
                self.__exit__(DeadlineExceeded, exceeded, None)
                raise
        self.__exit__(exc_type, exc, traceback)

    def fail(self) -> None:
        """Count the call as an error, however its block ends: for answers that are failures."""
        if self._phase == NEW:
            self._phase = MARKED_FAILED
        elif self._phase == ENTERED:
            self._phase = FAILED

    def end(self, error: BaseException | None = None) -> None:
        """Report the call before its block ends; what follows in the block is not part of it.

        An async guard no longer cancels its body then.

        Args:
            error: the exception that the call ended with, judged as one from the block would be.
        """
        if self._phase not in {ENTERED, FAILED}:
            return
        if timeout := self._timeout:
            timeout.disarm()
        self.__exit__(None, error, None)

    def _open(self) -> None:
        """Ask the breaker, and start the clock."""
        breaker = self.breaker
        if ACTIVE_DEADLINES and get_deadline() is not None:
            self._timeout = CallTimeout(breaker.name)
        if not breaker.allow():
            raise breaker.rejection()
        self._start = breaker.clock()

    def _close(self, phase: int, exc: BaseException | None, end: float) -> None:
        """Report the call."""
        error = phase == FAILED or (exc is not None and self._is_failure(exc))
        self.breaker.done(self._start, end, error=error)

    def _is_failure(self, exc: BaseException) -> bool:
        if isinstance(exc, DeadlineExceeded):
            timeout = self._timeout
            return not (timeout and timeout.outer_expired)
        return isinstance(exc, Exception)


class ConfiguredGuard(Guard):
    """A guard with a time-out, a priority or exceptions to ignore.

    Args:
        breaker: the breaker that is asked and that the call is reported to.
        options: how the call is guarded.
    """

    __slots__ = ("_options", "_outer_priority")

    def __init__(self, breaker: GuardTarget, options: CallOptions) -> None:
        self.breaker, self._timeout, self._phase = breaker, None, NEW
        self._options = options
        self._outer_priority: Priority | None = None

    def _open(self) -> None:
        breaker, options = self.breaker, self._options
        timeout = None
        if options.timeout is not None or get_deadline() is not None:
            self._timeout = timeout = CallTimeout(breaker.name)
        if options.priority is not None:
            self._outer_priority = PRIORITY.get()
            PRIORITY.set(options.priority)
        allowed = False
        try:
            allowed = breaker.allow()
        finally:
            if not allowed:
                self._restore_context()
        if not allowed:
            raise breaker.rejection()
        self._start = breaker.clock()
        if timeout is not None:
            seconds = options.timeout_seconds(breaker.settings)
            if seconds is not None:
                timeout.start(seconds, self._start, breaker.clock)

    def _close(self, phase: int, exc: BaseException | None, end: float) -> None:
        self._restore_context()
        error = phase == FAILED or (exc is not None and self._is_failure(exc))
        if timeout := self._timeout:
            error = error or timeout.exceeded_by(end - self._start)
        self.breaker.done(self._start, end, error=error)

    def _is_failure(self, exc: BaseException) -> bool:
        return super()._is_failure(exc) and not isinstance(exc, self._options.ignore)

    def _restore_context(self) -> None:
        """Undo what this guard put into the context, and nothing else."""
        if self._outer_priority is not None:
            PRIORITY.set(self._outer_priority)
        if timeout := self._timeout:
            timeout.restore()
