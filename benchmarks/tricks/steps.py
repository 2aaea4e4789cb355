"""Where each nanosecond of a call goes: the pair, built up from the empty one, step by step."""

import time
from itertools import pairwise
from typing import TYPE_CHECKING, Final, cast

from benchmarks.calls import empty_pair
from benchmarks.calls.contest import Contest, Contestant, Unwatched
from benchmarks.calls.empty_pair import EMPTY, EmptyPair, nothing
from benchmarks.calls.loop import plain
from benchmarks.calls.subject import BODY, Subject
from benchmarks.figures import Effort, Figure
from benchmarks.tricks.difference import OURS, Change, figures
from benchmarks.tricks.undone import own, own_code
from breaker import careful_path
from breaker.hot_path import HotPath

if TYPE_CHECKING:
    from types import FunctionType

PASSES: Final = careful_path._ANSWERS  # noqa: SLF001 - as the real one renews its answers
SHORT: Final = 0.001


class Answering:
    """`allow` takes a prepared answer, and `done` does nothing; each subclass has its own code."""

    __slots__ = ("_answers", "_log", "_quick")

    def __init_subclass__(cls) -> None:
        """Copies what is inherited."""
        own_code(cls)

    def __init__(self) -> None:
        self._answers: list[bool] = []
        self._log: list[float] = []
        self._quick = SHORT

    allow = own(cast("FunctionType", HotPath.allow))

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as `HotPath`
        """Nothing."""

    def _allow_carefully(self) -> bool:
        self._log.clear()
        self._answers = [True] * PASSES
        return True


class Answered:
    """`allow` says yes, and `done` has the real one's signature."""

    __slots__ = ()

    def allow(self) -> bool:
        """Yes."""
        return True

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as `HotPath`
        """Nothing."""


class Subtracting(Answering):
    """And the duration."""

    __slots__ = ()

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - as `HotPath`
        """Subtracts."""
        seconds = end - start  # noqa: F841 - what is measured


class Comparing(Answering):
    """And the comparison with the gate."""

    __slots__ = ()

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - as `HotPath`
        """Subtracts and compares."""
        seconds = end - start
        if seconds <= self._quick:
            return


class Asking(Answering):
    """And the question whether it failed."""

    __slots__ = ()

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as `HotPath`
        """Subtracts, compares and asks."""
        seconds = end - start
        if seconds <= self._quick and not error:
            return


class Appending(Answering):
    """And the note of the duration; all notes are thrown away where the real one takes them in."""

    __slots__ = ()

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as `HotPath`
        """Subtracts, compares, asks and appends."""
        seconds = end - start
        if seconds <= self._quick and not error:
            self._log.append(seconds)


PLAIN: Final = empty_pair.BODY.replace("e.", "b.")
STEPS: Final = (
    ("+ time.monotonic for perf_counter_ns", EmptyPair, PLAIN),
    ("+ `if allow()`, and the signature of done", Answered, BODY),
    ("+ allow takes a prepared answer", Answering, BODY),
    ("+ the subtraction", Subtracting, BODY),
    ("+ the comparison with the gate", Comparing, BODY),
    ("+ the question whether it failed", Asking, BODY),
    ("+ the note in the log", Appending, BODY),
)
LAST: Final = "+ batches and ticks: the real one"
WHOLE: Final = "all steps together"


def measure(effort: Effort) -> list[Figure]:
    """Each step against the one before."""
    names = {"clock": time.monotonic, "f": nothing}
    field = [empty_pair.contestant()]
    for name, kind, body in STEPS:
        field.append(Contestant(name, plain(body, b=kind(), **names), Unwatched()))
    with Subject() as real:
        field.append(real.contestant(OURS))
        contest = Contest(effort, field).run()
    path = [EMPTY, *(name for name, _, _ in STEPS), OURS]
    rows = [Change(after, after, before) for before, after in pairwise(path[:-1])]
    rows += [Change(LAST, OURS, path[-2]), Change(WHOLE, OURS, EMPTY)]
    return figures(contest, rows)
