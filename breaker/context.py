"""What travels with a call: how important it is, and until when its answer is wanted.

Both are context variables, so they reach everything called underneath: nested guards, coroutines,
tasks begun there, and `asyncio.to_thread`. They do not reach a thread of another pool, unless
`contextvars.copy_context().run` takes them there.
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
    """How important a call is; where not all can go, the least important are shed first.

    The four levels are Google's criticality (Site Reliability Engineering, "Handling Overload").
    """

    SHEDDABLE = 0
    """May fail often, and for longer: batch work that comes again by itself."""
    SHEDDABLE_PLUS = 1
    """May fail at times: background work that is wanted soon."""
    CRITICAL = 2
    """A user notices if it fails. What a call is that nobody said anything about."""
    CRITICAL_PLUS = 3
    """A user notices badly. Keep it rare."""


def current_priority() -> Priority:
    """The priority of the call that runs now; `CRITICAL` where nobody gave one."""
    return PRIORITY.get()


@contextmanager
def priority(level: Priority) -> Iterator[None]:
    """Gives what is called inside this priority; the innermost one counts."""
    before = PRIORITY.get()
    PRIORITY.set(level)
    try:
        yield
    finally:
        PRIORITY.set(before)


def current_deadline() -> float | None:
    """When the answer is no longer wanted; None where nobody said.

    In seconds of the clock that the deadline was set by: `time.monotonic`, unless a breaker or a
    test has one of its own. `remaining` needs no such knowledge.
    """
    found = active_deadline()
    return found.at if found else None


def remaining() -> float | None:
    """Seconds until the deadline, 0 if it has passed; None where there is none.

    Made for a client's time-out: `session.get(url, timeout=remaining())`. Some clients take 0 for
    "no limit" or refuse it, so ask `check_deadline` first.
    """
    found = active_deadline()
    return max(0.0, found.remaining()) if found else None


def check_deadline() -> None:
    """Ends work whose answer is no longer wanted; for the steps of long synchronous work.

    Raises:
        DeadlineExceeded: the deadline has passed.
    """
    found = active_deadline()
    if found and (left := found.remaining()) <= 0:
        raise DeadlineExceeded(f"the deadline passed {-left:.3f} s ago")


@contextmanager
def deadline(seconds: float, *, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Gives what is called inside so many seconds; of nested deadlines the nearest counts.

    It interrupts nothing by itself: guards and `check_deadline` look at it. It ends with the
    block, also for tasks that were begun inside and go on.

    Args:
        seconds: from now; 0 or less is a deadline that has passed already.
        clock: seconds as a float, for tests.

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
"""The ids of those that there are, and that were not lifted: without any, none is looked for."""


class Deadline:
    """A moment, with the clock that it is told by.

    Attributes:
        at: seconds of `clock`; infinite once it is lifted.
        clock: seconds as a float.
        enforced: whether an async guard cancels its body then, so that guards inside need not.
    """

    __slots__ = ("at", "clock", "enforced")

    def __init__(self, at: float, clock: Callable[[], float]) -> None:
        self.at = at
        self.clock = clock
        self.enforced = False
        ACTIVE_DEADLINES.add(id(self))

    def remaining(self) -> float:
        """Seconds until then; negative afterwards."""
        return self.at - self.clock()

    def lift(self) -> None:
        """Ends it for all who carry it: what outlives a call is not bound by its deadline."""
        self.at = math.inf
        ACTIVE_DEADLINES.discard(id(self))

    # Bound here, since at the end of the process the module's names may be gone before.
    def __del__(self, forget: Callable[[int], None] = ACTIVE_DEADLINES.discard) -> None:
        forget(id(self))


def earliest(outer: Deadline | None, inner: Deadline) -> Deadline:
    """The one that comes first, whichever clock each is told by."""
    return outer if outer and outer.remaining() < inner.remaining() else inner


def active_deadline() -> Deadline | None:
    """The nearest deadline that has not been lifted."""
    found = DEADLINE.get()
    return found if found is not None and found.at < math.inf else None


# Restored by value and not by token: a token is refused in another context, and the steps of one
# generator may each run in a context of their own.
PRIORITY: ContextVar[Priority] = ContextVar("breaker.priority", default=Priority.CRITICAL)
DEADLINE: ContextVar[Deadline | None] = ContextVar("breaker.deadline", default=None)
get_deadline: Final = DEADLINE.get
"""The deadline in the context, lifted or not, for those whom each call waits for.

So called it costs 10 ns, and `DEADLINE.get()` in another module 70: of an imported object CPython
3.11 and 3.12 call no method, but look up an attribute, bind it and call that.
"""
