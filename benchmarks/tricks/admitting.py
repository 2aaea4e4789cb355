"""`allow` the plain way: with a clock, a flag and a counter, a lock, a look at the memory."""

import threading
from collections import deque
from typing import Any, Final

from benchmarks.figures import Effort, Figure
from benchmarks.tricks.difference import SAME, Change, figures
from benchmarks.tricks.undone import Undone, compare
from breaker import Settings
from breaker.memory import MEMORY, MemoryReader

READER: Final = MemoryReader()


class Clocked(Undone):
    """Reads the clock in `allow`, to see whether something is due."""

    __slots__ = ()

    def allow(self) -> bool:
        """As the real one."""
        if self.clock() >= self._next_tick:
            return self._allow_carefully()
        try:
            return self._answers.pop()
        except IndexError:
            pass
        return self._allow_carefully()


class Spread(Undone):
    """Has `try` on a line of its own, as a formatter has it, and so a NOP for that line."""

    __slots__ = ()

    def allow(self) -> bool:
        """As the real one."""
        try:
            return self._answers.pop()
        except IndexError:
            pass
        return self._allow_carefully()


class Flagged(Undone):
    """Has a flag and a counter in place of prepared answers. Under threads it would miscount."""

    __slots__ = ("_left", "_passing")

    def __init__(self, settings: Settings | None = None) -> None:
        self._passing, self._left = False, 0
        super().__init__(settings)

    def allow(self) -> bool:
        """As the real one."""
        if self._passing and self._left > 0:
            self._left -= 1
            return True
        return self._allow_carefully()

    def _prepare(self, answer: bool, count: int) -> None:  # noqa: FBT001 - as what it overrides
        if answer is self._answer and 0 < self._left <= count:
            return
        if self._answer:
            self._admitted_before += self._prepared - self._left
        self._answer = self._passing = answer
        self._prepared = self._left = count

    @property
    def _given(self) -> int:
        return self._prepared - self._left


class Counted(Undone):
    """Beside the prepared answers, counts the calls in an attribute."""

    __slots__ = ("_count",)

    def __init__(self, settings: Settings | None = None) -> None:
        self._count = 0
        super().__init__(settings)

    def allow(self) -> bool:
        """As the real one."""
        self._count += 1
        try:
            return self._answers.pop()
        except IndexError:
            pass
        return self._allow_carefully()


class Locked(Undone):
    """Takes a lock in `allow` and in `done`."""

    __slots__ = ("_path_lock",)

    def __init__(self, settings: Settings | None = None) -> None:
        self._path_lock = threading.Lock()
        super().__init__(settings)

    def allow(self) -> bool:
        """As the real one."""
        with self._path_lock:
            try:
                return self._answers.pop()
            except IndexError:
                pass
            return self._allow_carefully()

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as what it overrides
        """As the real one."""
        with self._path_lock:
            seconds = end - start
            if seconds <= self._quick and not error:
                self._log.append(seconds)
            else:
                self._done_carefully(start, end, error)


class Remembering(Undone):
    """Asks for the memory in `allow`: the reading that all share, at most 20 ms old."""

    __slots__ = ()

    def allow(self) -> bool:
        """As the real one."""
        MEMORY.read()
        try:
            return self._answers.pop()
        except IndexError:
            pass
        return self._allow_carefully()


class Reading(Undone):
    """Reads the memory anew in `allow`."""

    __slots__ = ()

    def allow(self) -> bool:
        """As the real one."""
        READER.read()
        try:
            return self._answers.pop()
        except IndexError:
            pass
        return self._allow_carefully()


class Measured(Undone):
    """Asks whether answers are left, in place of meeting the end of them."""

    __slots__ = ()

    def allow(self) -> bool:
        """As the real one."""
        return self._answers.pop() if self._answers else self._allow_carefully()


class Queued(Undone):
    """Has its answers in a `deque`, which is made slower than a list is."""

    __slots__ = ()

    def _prepare(self, answer: bool, count: int) -> None:  # noqa: FBT001 - as what it overrides
        super()._prepare(answer, count)
        if isinstance(self._answers, list):
            answers: Any = deque(self._answers)
            self._answers = answers


UNDONE: Final = {
    "try on a line of its own": Spread,
    "clock read in allow": Clocked,
    "a flag and a counter in allow": Flagged,
    "a counter beside the answers": Counted,
    "answers left asked for": Measured,
    "answers in a deque": Queued,
    "a lock around allow and done": Locked,
    "memory asked for in allow": Remembering,
    "memory read in allow": Reading,
}
NOTES: Final = {
    "a flag and a counter in allow": "not safe under threads",
    "memory asked for in allow": "shared, at most 20 ms old",
    "memory read in allow": "control group's files, else psutil",
}


def measure(effort: Effort) -> list[Figure]:
    """Each of them."""
    contest = compare(effort, UNDONE)
    rows = [Change(f"{SAME} (allow)", SAME, note="the control: noise")]
    rows += [Change(name, name, note=NOTES.get(name, "")) for name in UNDONE]
    return figures(contest, rows)
