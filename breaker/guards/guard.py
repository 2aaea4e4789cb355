"""One guarded call as a context manager, which cannot forget to report."""

from copy import copy
from types import TracebackType
from typing import Final, Self, TypeVar

from breakerd.breaker.calls.outcome import CallOutcome
from breakerd.breaker.context import ACTIVE_DEADLINES, PRIORITY, Priority, get_deadline
from breakerd.breaker.errors import DeadlineExceeded
from breakerd.breaker.guards.options import DEFAULT_OPTIONS, CallOptions, Timeout, cached_options
from breakerd.breaker.guards.rules import ExceptionRule, ResultRule, Rules, rules_of_call
from breakerd.breaker.guards.target import GuardTarget, report
from breakerd.breaker.guards.timeout import CallTimeout

R = TypeVar("R")

# Phases of a guard. Plain integers: a member of an Enum costs 75 ns to look up in CPython 3.11.
NEW: Final = 0
MARKED_FAILED: Final = 1
"""`fail()` was called before the guard was entered."""
ENTERED: Final = 2
FAILED: Final = 3
"""Entered, and `fail()` was called."""
DONE: Final = 4
GIVEN_UP: Final = 5
"""Entered, and `abandon()` was called."""
HANDED_OVER: Final = 6
"""The call goes on in whoever awaits its result."""


def make_guard(
    breaker: GuardTarget,
    timeout: Timeout | None = None,
    priority: Priority | None = None,
    ignore: ExceptionRule | None = None,
    failures: ExceptionRule | None = None,
    failed_result: ResultRule | None = None,
) -> "Guard":
    """Return a guard that calls `allow` and `done` of any breaker, subclasses included.

    Raises:
        ValueError: `timeout` is not a finite number above 0.
        TypeError: a rule is of no use as what it is given for.
    """
    rules = rules_of_call(breaker.rules, ignore, failures, failed_result)
    if timeout is None and priority is None and rules is breaker.rules:
        guard = Guard()
        guard.breaker, guard._timeout, guard._phase = breaker, None, NEW  # noqa: SLF001 - in place of an `__init__`
        return guard
    return ConfiguredGuard(breaker, cached_options(timeout, priority), rules)


def begun_guard(breaker: GuardTarget, rules: Rules, start: float) -> "Guard":
    """Return a guard for a call that was admitted, and began at `start`."""
    guard = ConfiguredGuard(breaker, DEFAULT_OPTIONS, rules)
    guard._phase, guard._start = ENTERED, start  # noqa: SLF001 - in place of entering it
    return guard


class Guard:
    """One guarded call, as a context manager, sync or async. For one use.

    Reports the call however its block ends. The call counts as an error if it took longer than the
    guard's own time-out, or raised what its rules call a failure: any `Exception`, by default.

    The call is abandoned if it was cancelled from outside (`asyncio.timeout` around the guard, a
    task that is cancelled, a generator that is closed, Ctrl-C, an exit of the process), or ran out
    of time once the deadline that a caller set had passed. Then it counts only if it was slow by
    that time; see `Breaker.abandon`.

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
        if self._phase == HANDED_OVER:
            self._phase = ENTERED
            self._resume()
        else:
            self.__enter__()
        timeout = self._timeout
        if timeout is not None:
            try:
                await timeout.enter_async()
            except BaseException:
                self.abandon()
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
        elif self._phase in {ENTERED, HANDED_OVER}:
            self._phase = FAILED

    def abandon(self) -> None:
        """Report the call as given up, before its block ends; see `Breaker.abandon`.

        One that was marked by `fail` stays an error.
        """
        if self._phase in {ENTERED, HANDED_OVER}:
            self._phase = GIVEN_UP
        self.end()

    def judge(self, result: R) -> R:
        """Count the call as an error if its result is one by `failed_result`; return the result."""
        if self.rules.failed(result):
            self.fail()
        return result

    def end(self, error: BaseException | None = None) -> None:
        """Report the call before its block ends; what follows in the block is not part of it.

        An async guard no longer cancels its body then.

        Args:
            error: the exception that the call ended with, judged as one from the block would be.
        """
        if self._phase not in {ENTERED, FAILED, GIVEN_UP, HANDED_OVER}:
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

    def hand_over(self) -> "Guard":
        """Return a guard that goes on with this call; this one reports nothing then.

        The other is entered by `async with` in the task that awaits the result, or ended.
        """
        successor = copy(self)
        self._phase, successor._phase = DONE, HANDED_OVER  # noqa: SLF001 - one of this class
        return successor

    @property
    def rules(self) -> Rules:
        """Rules by which the call is judged."""
        return self.breaker.rules

    def _resume(self) -> None:
        """Put into the context what `_open` did."""

    def _close(self, phase: int, exc: BaseException | None, end: float) -> None:
        """Report the call, whatever a predicate of the rules raises."""
        outcome = CallOutcome.ERROR
        try:
            outcome = self._outcome(phase, exc)
        finally:
            report(self.breaker, self._start, end, outcome)

    def _outcome(self, phase: int, exc: BaseException | None) -> CallOutcome:
        if phase == FAILED:
            return CallOutcome.ERROR
        if phase == GIVEN_UP:
            return CallOutcome.ABANDONED
        if exc is None:
            return CallOutcome.SUCCESS
        timeout = self._timeout
        if timeout and isinstance(exc, TimeoutError) and timeout.outer_expired:
            return CallOutcome.ABANDONED  # it was the caller's time that ran out
        return self.rules.judge(exc)


class ConfiguredGuard(Guard):
    """A guard with a time-out, a priority or rules of its own.

    Args:
        breaker: the breaker that is asked and that the call is reported to.
        options: how the call is guarded.
        rules: what counts as a failure.

    Attributes:
        outcome: how the call ended; an error until that is known.
    """

    __slots__ = ("_options", "_outer_priority", "_rules", "outcome")

    def __init__(self, breaker: GuardTarget, options: CallOptions, rules: Rules) -> None:
        self.breaker, self._timeout, self._phase = breaker, None, NEW
        self._options = options
        self._rules = rules
        self.outcome = CallOutcome.ERROR
        self._outer_priority: Priority | None = None

    def _open(self) -> None:
        breaker, options = self.breaker, self._options
        if options.timeout is not None or get_deadline() is not None:
            self._timeout = CallTimeout(breaker.name)
        self._set_priority()
        allowed = False
        try:
            allowed = breaker.allow()
        finally:
            if not allowed:
                self._restore_context()
        if not allowed:
            raise breaker.rejection()
        self._start = breaker.clock()
        self._start_timeout()

    @property
    def rules(self) -> Rules:
        """Rules by which the call is judged."""
        return self._rules

    def _close(self, phase: int, exc: BaseException | None, end: float) -> None:
        self._restore_context()
        if (timeout := self._timeout) and timeout.exceeded_by(end - self._start):
            phase = FAILED
        super()._close(phase, exc, end)

    def _outcome(self, phase: int, exc: BaseException | None) -> CallOutcome:
        self.outcome = super()._outcome(phase, exc)
        return self.outcome

    def hand_over(self) -> Guard:
        """As for any guard. The context is restored here, and changed there."""
        self._restore_context()
        return super().hand_over()

    def _resume(self) -> None:
        self._set_priority()
        self._start_timeout()

    def _set_priority(self) -> None:
        if self._options.priority is not None:
            self._outer_priority = PRIORITY.get()
            PRIORITY.set(self._options.priority)

    def _start_timeout(self) -> None:
        seconds = self._options.timeout_seconds(self.breaker.settings)
        if self._timeout is not None and seconds is not None:
            self._timeout.start(seconds, self._start, self.breaker.clock)

    def _restore_context(self) -> None:
        """Undo what this guard put into the context, and nothing else."""
        if self._outer_priority is not None:
            PRIORITY.set(self._outer_priority)
            self._outer_priority = None
        if timeout := self._timeout:
            timeout.restore()
