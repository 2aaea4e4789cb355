"""Lifecycle of what runs in one process: started once, closed, started again, gone after a fork."""

import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from breakerd.breaker.fork import renew_after_fork

T = TypeVar("T")

HOW_TO_START: Final = "it starts with `with alerting:` or `start()`"
HOW_TO_RESTART: Final = "it starts again with `start()`"

_RUN: Final = "run"
_STARTING: Final = "nobody is being paged yet: alerting is starting"
_NEVER: Final = "nobody is being paged: alerting was never started; "
_CLOSED: Final = "nobody is being paged: alerting was closed; "
_FAILED: Final = "nobody is being paged: alerting cannot start: {error}; "
_FORKED: Final = (
    "nobody is being paged by this process: it was forked after alerting was started, and threads "
    "do not survive that; "
)


class Lifecycle(Generic[T]):
    """At most one run in a process, and why there is none. Thread-safe.

    It has no lock, which a fork could leave locked and gevent could not replace: who starts and who
    closes is decided by single operations of a dict.

    Args:
        how_to_start: what starts it, as part of a sentence.
    """

    def __init__(self, how_to_start: str = HOW_TO_START) -> None:
        self._how_to_start = how_to_start
        self._runs: dict[str, _Run[T]] = {}
        self._abandoned: list[_Run[T]] = []
        """Runs of the parent processes: kept, so that nothing of them is finalized here."""
        self._reason = _NEVER
        renew_after_fork(self)

    @property
    def current(self) -> T | None:
        """Object that runs in this process; None if none does."""
        run = self._runs.get(_RUN)
        return run.value if run is not None else None

    @property
    def reason(self) -> str:
        """Reason why nothing runs, as a sentence; empty if it runs."""
        run = self._runs.get(_RUN)
        if run is None:
            reason = self._reason
            return reason + (HOW_TO_RESTART if reason == _CLOSED else self._how_to_start)
        return "" if run.value is not None else _STARTING

    @property
    def starting(self) -> bool:
        """True while it is being started."""
        run = self._runs.get(_RUN)
        return run is not None and run.value is None

    def start(self, make: Callable[[], T], discard: Callable[[T], None]) -> bool:
        """Start it by `make`, unless it runs; return True if this call has started it.

        A call during another thread's `start` waits for that. What `make` raises passes. What was
        ended while this thread made it, as by a signal handler, is handed to `discard`.
        """
        mine: _Run[T] = _Run()
        while (run := self._runs.setdefault(_RUN, mine)) is not mine:
            run.settled.wait()
            if run.value is not None:
                return False
        try:
            mine.value = make()
        except BaseException as error:
            self._reason = _FAILED.format(error=error)
            if self._runs.get(_RUN) is mine:
                self._runs.pop(_RUN)
            raise
        finally:
            mine.settled.set()
        if mine.ended:
            discard(mine.value)
        return not mine.ended

    def end(self) -> T | None:
        """Take what runs in this process, for the caller to close; None if nothing does."""
        run = self._runs.pop(_RUN, None)
        if run is None:
            self._reason = _CLOSED
            return None
        if run.value is None and run.thread == threading.get_ident():
            run.ended = True  # to wait for it would be to wait for ourselves
        else:
            run.settled.wait()
        if run.value is not None or run.ended:
            self._reason = _CLOSED
        return run.value

    def after_fork(self) -> None:
        """Give up what the parent runs, in a forked child. Takes no lock."""
        run = self._runs.pop(_RUN, None)
        if run is not None:
            self._abandoned.append(run)
            self._reason = _FORKED


class _Run(Generic[T]):
    """One run, from its start to its end."""

    def __init__(self) -> None:
        self.value: T | None = None
        self.thread = threading.get_ident()
        """Thread that starts it."""
        self.ended = False
        """True if that thread itself ended it before it was there."""
        self.settled = threading.Event()
        """Set once `value` is there, or the start has failed."""
