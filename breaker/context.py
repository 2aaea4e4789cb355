"""The priority and the deadline of a call.

Both are context variables, so they reach everything the call runs: nested guards, coroutines, tasks
started there, and `asyncio.to_thread`. They do not reach threads of another pool, unless
`contextvars.copy_context().run` carries them there.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from typing import Final

from breakerd.breaker.errors import DeadlineExceeded


class Priority(IntEnum):
    """The importance of a call; under load the least important calls are shed first.

    The four levels are Google's criticality (Site Reliability Engineering, "Handling Overload").
    """

    SHEDDABLE = 0
    """May fail often, and for longer: batch work that comes again by itself."""
    SHEDDABLE_PLUS = 1
    """May fail at times: background work that is wanted soon."""
    CRITICAL = 2
    """A user notices if it fails. The default."""
    CRITICAL_PLUS = 3
    """A user notices badly. Keep it rare."""


def current_priority() -> Priority:
    """Return the priority of the current call; `CRITICAL` by default."""
    return PRIORITY.get()


@contextmanager
def priority(level: Priority) -> Iterator[None]:
    """Set the priority of everything called inside; the innermost one applies."""
    before = PRIORITY.get()
    PRIORITY.set(level)
    try:
        yield
    finally:
        PRIORITY.set(before)


def current_deadline() -> float | None:
    """Return the time after which the answer is not needed; None without a deadline.

    In seconds of the clock of the deadline: `time.monotonic`, unless a breaker or a test has its
    own. `remaining` does not depend on the clock.
    """
    found = active_deadline()
    return found.at if found else None


def remaining() -> float | None:
    """Return the seconds until the deadline, 0 if it has passed; None without a deadline.

    Meant for a client's timeout: `session.get(url, timeout=remaining())`. Some clients read 0 as
    "no limit" or reject it, so call `check_deadline` first.
    """
    found = active_deadline()
    return max(0.0, found.remaining()) if found else None


def check_deadline() -> None:
    """Raise if the deadline has passed; for the steps of long synchronous work.

    Raises:
        DeadlineExceeded: the deadline has passed.
    """
    found = active_deadline()
    if found and (left := found.remaining()) <= 0:
        raise DeadlineExceeded(f"the deadline passed {-left:.3f} s ago")


@contextmanager
def deadline(seconds: float, *, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Set a deadline for everything called inside; of nested deadlines the earliest applies.

    It interrupts nothing by itself: guards and `check_deadline` check it. It ends with the block,
    also for tasks that were started inside and continue.

    Args:
        seconds: seconds from now; 0 or less is a deadline that has already passed.
        clock: returns seconds as a float; for tests.

    Raises:
        ValueError: `seconds` is not finite.
    """
    if not math.isfinite(seconds):
        raise ValueError(f"deadline() got {seconds}; allowed: a finite number of seconds")
    before, own = active_deadline(), Deadline(clock() + seconds, clock)
    DEADLINE.set(earliest(before, own))
    try:
        yield
    finally:
        DEADLINE.set(before)
        own.lift()


ACTIVE_DEADLINES: Final[set[int]] = set()
"""Ids of all deadlines that are not lifted; if empty, the context need not be read."""


class Deadline:
    """A point in time of a clock.

    Attributes:
        at: seconds of `clock`; infinite once it is lifted.
        clock: seconds as a float.
        enforced: True if an async guard cancels its body then, so that nested guards need not.
    """

    __slots__ = ("at", "clock", "enforced")

    def __init__(self, at: float, clock: Callable[[], float]) -> None:
        self.at = at
        self.clock = clock
        self.enforced = False
        ACTIVE_DEADLINES.add(id(self))

    def remaining(self) -> float:
        """Return the seconds until then; negative afterwards."""
        return self.at - self.clock()

    def lift(self) -> None:
        """End it for every context that holds it: work that outlives a call is not bound by it."""
        self.at = math.inf
        ACTIVE_DEADLINES.discard(id(self))

    # Bound here, since at the end of the process the module's names may be gone before.
    def __del__(self, forget: Callable[[int], None] = ACTIVE_DEADLINES.discard) -> None:
        forget(id(self))


def earliest(outer: Deadline | None, inner: Deadline) -> Deadline:
    """Return the deadline that comes first, even if their clocks differ."""
    return outer if outer and outer.remaining() < inner.remaining() else inner


def active_deadline() -> Deadline | None:
    """Return the deadline of the context; None if there is none, or it was lifted."""
    found = DEADLINE.get()
    return found if found is not None and found.at < math.inf else None


# Restored by value and not by token: a token is refused in another context, and the steps of one
# generator may each run in a context of their own.
PRIORITY: ContextVar[Priority] = ContextVar("breaker.priority", default=Priority.CRITICAL)
DEADLINE: ContextVar[Deadline | None] = ContextVar("breaker.deadline", default=None)
get_deadline: Final = DEADLINE.get
"""Return the deadline in the context, lifted or not; for code that runs with every call.

It costs 10 ns, and `DEADLINE.get()` in another module 70 ns: CPython 3.11 and 3.12 do not call a
method of an imported object directly, but look up an attribute, bind it and call that.
"""
