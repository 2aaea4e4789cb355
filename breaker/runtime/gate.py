"""What runs with every call: `allow` and `done`, and nothing else.

Kept apart so that it can be read, measured and compiled by itself (`scripts/compile`). Both methods
do no more than take what was prepared, and leave a note; `Breaker` prepares, and reads the notes,
on the tick or when something is the matter. `docs/performance.md` has what each of these buys:

- `allow` takes one of some thousand answers prepared in a list: the answer, the count of
  calls and the end of what may pass without thought come from one call into C.
- `done` compares with one limit, which is lowered to nothing while each call must be looked at, and
  appends to a list. Sums, histogram and window take such a list in as a whole, in C.
- No clock, no lock: what must not be torn is one call into C, or code without calls and loops,
  between which CPython does not switch threads. Where the GIL is off, `allow` takes a lock (see the
  end of this module).
"""

import sys
import threading
from collections.abc import Callable
from typing import Final


class HotPath:
    """The part of a breaker that calls run through; `Breaker` is the rest.

    Args:
        clock: seconds as a float, never going back.
    """

    __slots__ = (
        "_admitted_before",
        "_answer",
        "_answers",
        "_answers_lock",
        "_log",
        "_prepared",
        "_quick",
        "_rejected_before",
        "clock",
    )

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._quick = -1.0
        """Seconds up to which a call that went well is only noted; below 0, none is."""
        self._log: list[float] = []
        """Seconds that calls took which are not taken in yet, oldest first."""
        self._answer = False
        self._prepared = 0
        self._answers: list[bool] = []
        """What `allow` says to the next calls; at its end, each call is thought about."""
        self._admitted_before = self._rejected_before = 0
        self._renew_lock()

    def allow(self) -> bool:
        """Whether the call may go; if so, report it with `done`. Never blocks on I/O."""
        # `try` on a line of its own is an instruction of its own, a NOP that debuggers stop at;
        # `contextlib.suppress` costs more than all of this.
        # fmt: off
        try: return self._answers.pop()  # noqa: E701
        except IndexError: pass  # noqa: E701
        # fmt: on
        return self._allow_carefully()

    # `error` could be given by position, but say its name: a keyword-only parameter costs 10 ns.
    def done(self, start: float, end: float, error: bool = False) -> None:
        """Reports a call that was allowed.

        Args:
            start: `clock()` before the call. A call that began before the last transition counts
                in the metrics, and decides nothing.
            end: `clock()` after it. Before `start` it counts as `start`, but for the sum of all
                durations: there it may take its own size off what is noted together with it. A
                call that went well is taken to end when it is reported.
            error: whether the call failed; give it by keyword.

        Raises:
            ValueError: a time is not a finite number; but a start at infinity, or an end at minus
                infinity, counts as an end before the start.
        """
        seconds = end - start
        # Whether it ended before it started is not asked here: that alone costs each call 2 ns.
        if seconds <= self._quick and not error:
            self._log.append(seconds)
        else:
            self._done_carefully(start, end, error)

    # --- what the rest of the breaker is for

    def _allow_carefully(self) -> bool:
        """Thinks about one call."""
        raise NotImplementedError

    def _done_carefully(self, start: float, end: float, error: bool) -> None:
        """Takes in a call that is slow, failed, or reported while each one counts."""
        raise NotImplementedError

    # --- what the rest of the breaker prepares and reads; its lock is held

    def _prepare(self, answer: bool, count: int) -> None:
        """Lets `allow` say `answer` to so many calls, at most, before it thinks again."""
        left = self._answers
        if answer is self._answer and 0 < len(left) <= count:
            return
        # `allow` looks them up and takes one in one breath: from here on nobody gets an old one,
        # nor under a profiler, which comes in between.
        self._answers = [answer] * count
        given = self._prepared - len(left)
        left.clear()
        if self._answer:
            self._admitted_before += given
        else:
            self._rejected_before += given
        self._answer, self._prepared = answer, count

    def _take_log(self) -> list[float]:
        """The durations noted since the last time, oldest first."""
        # `done` looks the list up and appends to it in one breath: nobody still holds the old one.
        taken, self._log = self._log, []
        return taken

    @property
    def _admitted(self) -> int:
        """Calls ever allowed."""
        return self._admitted_before + (self._given if self._answer else 0)

    @property
    def _rejected(self) -> int:
        """Calls ever rejected."""
        return self._rejected_before + (0 if self._answer else self._given)

    @property
    def _given(self) -> int:
        return self._prepared - len(self._answers)

    def _renew_lock(self) -> None:
        """In a forked child: a thread of the parent may have held it."""
        self._answers_lock = threading.Lock()


def allow_under_lock(self: HotPath) -> bool:
    """`HotPath.allow` for interpreters without a GIL, where what is looked up may be old already.

    `done` needs no lock there either: lists have one of their own. See `copy_log`.
    """
    with self._answers_lock:
        answer = self._answers.pop() if self._answers else None
    return self._allow_carefully() if answer is None else answer


def prepare_under_lock(self: HotPath, answer: bool, count: int) -> None:
    """`HotPath._prepare`, likewise."""
    with self._answers_lock:
        _prepare(self, answer, count)


def copy_log(self: HotPath) -> list[float]:
    """`HotPath._take_log`, likewise: a thread may hold the list, and append to it later."""
    log = self._log
    taken = log[:]
    # What is appended meanwhile stays for the next time.
    del log[: len(taken)]
    return taken


_prepare: Final = HotPath._prepare  # noqa: SLF001 - our own

# Not whether it is off at this moment: it may be on for as long as some extension is loaded.
if "free-threading" in sys.version:
    setattr(HotPath, "allow", allow_under_lock)  # noqa: B010 - mypy refuses to assign to a method
    setattr(HotPath, "_prepare", prepare_under_lock)  # noqa: B010
    setattr(HotPath, "_take_log", copy_log)  # noqa: B010
