"""Watchdog: tells when alerting has stopped doing what it is there for."""

from collections.abc import Callable
from typing import Final

STALL_LIMIT: Final = 30.0
"""Seconds without a completed round after which alerting counts as stalled."""

_NOBODY: Final = "nobody is being paged: "
_ENDED: Final = f"{_NOBODY}the thread of alerting has ended; restart the process"
_NO_ROUNDS: Final = f"{_NOBODY}alerting is not running"


class Watchdog:
    """Watches the rounds of alerting. Thread-safe; it waits for no lock, which may be stuck too.

    A round that raises is none: what fails every time does not alert anybody.

    Args:
        clock: returns seconds, and never goes back.
        now: returns seconds since the epoch.
        is_alive: returns True unless what runs the rounds has ended.
        delivery_stalls: returns the deliveries that have stopped, as sentences.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        now: Callable[[], float],
        is_alive: Callable[[], bool],
        delivery_stalls: Callable[[], list[str]],
    ) -> None:
        self.last_round_at = 0.0
        """Time of the last completed round, in seconds since the epoch; 0 if there was none."""
        self._clock = clock
        self._now = now
        self._is_alive = is_alive
        self._delivery_stalls = delivery_stalls
        self._completed: float | None = None

    def start(self) -> None:
        """Expect rounds from now on."""
        self._completed = self._clock()

    def stop(self) -> None:
        """Expect no more rounds."""
        self._completed = None

    def complete_round(self) -> None:
        """Note that a round is complete."""
        self.last_round_at = self._now()
        if self._completed is not None:
            self._completed = self._clock()

    @property
    def silence(self) -> float:
        """Seconds since the last completed round; 0 if none is expected."""
        completed = self._completed
        return 0.0 if completed is None else max(0.0, self._clock() - completed)

    def not_running(self) -> str:
        """Return why no rounds are done, as a sentence; empty if they are."""
        if self._completed is None:
            return _NO_ROUNDS
        if problem := self.problem:
            return _NOBODY + problem
        return "" if self._is_alive() else _ENDED

    def stalls(self) -> list[str]:
        """Return what has stopped running, as sentences; not to be started is no stall."""
        problem = self.problem
        return [problem] * bool(problem) + self._delivery_stalls()

    @property
    def problem(self) -> str:
        """Problem as a sentence; empty if rounds are completed."""
        silence = self.silence
        if silence <= STALL_LIMIT:
            return ""
        return f"alerting has stopped: no round for {silence:.0f} s; restart the process"
