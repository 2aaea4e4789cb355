"""Fast path of a breaker: `allow` and `done`, and the data they share with the controller.

`allow` pops a prepared decision from a list: one C call returns the decision, counts the call, and
raises `IndexError` when the budget is spent and the controller must decide again. `done` makes one
comparison and appends to a list. Both run without a clock and without a lock: CPython switches
threads only between calls and at the ends of loops, and each step that must not be torn is one call
into C. Without a GIL, `allow` takes a lock; see the end of this module. What each step saves is in
`docs/decisions/`.
"""

import sys
import threading
from collections.abc import Callable
from typing import Final, Protocol


class SlowPath(Protocol):
    """Handles the calls that the fast path cannot."""

    def allow(self) -> bool:
        """Decide about one call."""
        ...

    def done(self, start: float, end: float, error: bool) -> None:
        """Record one call."""
        ...


class Gate:
    """Prepared decisions for the next calls, and durations of calls that were not recorded yet.

    A leaf: it refers to neither breaker nor controller. The controller writes it under its lock;
    calls read `permits`, `durations` and `fast_limit` without one.
    """

    __slots__ = (
        "_admitted",
        "_budget",
        "_decision",
        "_lock",
        "_rejected",
        "durations",
        "fast_limit",
        "permits",
    )

    def __init__(self) -> None:
        self.permits: list[bool] = []
        """Decisions for the next calls, all the same; when empty, the controller decides."""
        self.durations: list[float] = []
        """Seconds that calls took which are not recorded yet, oldest first."""
        self.fast_limit = -1.0
        """Successful calls up to this many seconds are only logged. Negative: fast path off."""
        self._decision = False
        self._budget = 0
        self._admitted = self._rejected = 0
        self._lock = threading.Lock()

    @property
    def decision(self) -> bool:
        """The decision that `allow` returns at present."""
        return self._decision

    @property
    def budget(self) -> int:
        """Number of decisions that the last refill prepared."""
        return self._budget

    @property
    def admitted(self) -> int:
        """Number of calls ever admitted."""
        return self._admitted + (self._spent if self._decision else 0)

    @property
    def rejected(self) -> int:
        """Number of calls ever rejected."""
        return self._rejected + (0 if self._decision else self._spent)

    def count(self, decision: bool) -> None:
        """Count one call that the controller decided."""
        if decision:
            self._admitted += 1
        else:
            self._rejected += 1

    def refill(self, decision: bool, budget: int) -> None:
        """Let `allow` return `decision` for `budget` calls before the controller decides."""
        left = self.permits
        if decision is self._decision and 0 < len(left) <= budget:
            return
        # `allow` looks the list up and pops from it without a switch of threads in between: from
        # here on nobody gets an old decision, nor under a profiler, which does switch there.
        self.permits = [decision] * budget
        spent = self._budget - len(left)
        left.clear()
        if self._decision:
            self._admitted += spent
        else:
            self._rejected += spent
        self._decision, self._budget = decision, budget

    def drain(self) -> list[float]:
        """Return the durations logged since the last time, oldest first, and forget them."""
        # `done` looks the list up and appends to it without a switch of threads in between: nobody
        # still holds the old one.
        taken, self.durations = self.durations, []
        return taken

    def after_fork(self) -> None:
        """Make a new lock in a forked child: a thread of the parent may have held the old one."""
        self._lock = threading.Lock()

    @property
    def _spent(self) -> int:
        return self._budget - len(self.permits)


class FastPath:
    """The two methods that every call runs; `Breaker` inherits only these."""

    __slots__ = ("_gate", "_slow_path", "clock")

    def __init__(self, gate: Gate, slow_path: SlowPath, clock: Callable[[], float]) -> None:
        self._gate = gate
        self._slow_path = slow_path
        self.clock = clock
        """Clock of the breaker: seconds as a float, never going back."""

    def allow(self) -> bool:
        """Return True if the call may proceed; report it with `done` then. Thread-safe.

        Never waits for I/O.
        """
        # `try` on a line of its own is an instruction of its own, a NOP that debuggers stop at;
        # `contextlib.suppress` costs more than all of this.
        # fmt: off
        try: return self._gate.permits.pop()  # noqa: E701
        except IndexError: pass  # noqa: E701
        # fmt: on
        return self._slow_path.allow()

    # `error` may be given by position, but name it: a keyword-only parameter costs 10 ns.
    def done(self, start: float, end: float, error: bool = False) -> None:
        """Report a call that was allowed. Thread-safe.

        Args:
            start: `clock()` before the call, in seconds. A call that began before the last
                transition counts in the metrics and decides nothing.
            end: `clock()` after it. An end before `start` counts as `start`, except in the sum of
                durations, from which it may subtract its own size. A successful call counts as
                ended when it is reported.
            error: True if the call failed; give it by keyword.

        Raises:
            ValueError: a time is not a finite number. A start at infinity and an end at minus
                infinity count as an end before the start.
        """
        seconds = end - start
        # No check here that it ended after it started: that alone costs each call 2 ns.
        if seconds <= self._gate.fast_limit and not error:
            self._gate.durations.append(seconds)
        else:
            self._slow_path.done(start, end, error)


def allow_free_threaded(self: FastPath) -> bool:
    """`FastPath.allow` without a GIL, where another thread may have replaced the list.

    `done` needs no lock there: lists have their own. See `drain_free_threaded`.
    """
    gate = self._gate
    with gate._lock:  # noqa: SLF001 - our own
        decision = gate.permits.pop() if gate.permits else None
    return self._slow_path.allow() if decision is None else decision


def refill_free_threaded(self: Gate, decision: bool, budget: int) -> None:
    """`Gate.refill` without a GIL."""
    with self._lock:
        _refill(self, decision, budget)


def drain_free_threaded(self: Gate) -> list[float]:
    """`Gate.drain` without a GIL: a thread may hold the list, and append to it later."""
    durations = self.durations
    taken = durations[:]
    # What is appended meanwhile stays for the next time.
    del durations[: len(taken)]
    return taken


_refill: Final = Gate.refill

# Whether the build has a GIL, not whether it is off now: some extension may turn it on for a time.
if "free-threading" in sys.version:
    setattr(FastPath, "allow", allow_free_threaded)  # noqa: B010 - mypy refuses to assign a method
    setattr(Gate, "refill", refill_free_threaded)  # noqa: B010
    setattr(Gate, "drain", drain_free_threaded)  # noqa: B010
