"""When something of one breaker is due by time alone."""

import math
import time
from typing import Final

from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.runtime.readings import Readings
from breakerd.breaker.states import WATCHING

_HANG_INTERVAL: Final = 0.5
"""Seconds between samples where nothing but calls that hang is looked for."""
_PAUSE: Final = 1.0
"""Seconds by which the ticker must be late before the process may have been paused."""
_PAUSED_SHARE: Final = 0.25
"""Share of that time in which a process that was not paused has run, at least."""


class Schedule:
    """Times of a breaker's periodic work, in seconds of its clock. Its lock must be held."""

    __slots__ = (
        "_engine",
        "_late_since",
        "_next_sample",
        "_process_time",
        "_readings",
        "decision_valid_until",
        "next_due",
        "next_tick",
        "state_deadline",
        "ticker_due",
    )

    def __init__(self, engine: Engine, readings: Readings) -> None:
        self._engine = engine
        self._readings = readings
        self._next_sample = -math.inf
        self.next_tick = -math.inf
        """Time from which calls must let time pass themselves."""
        self.next_due = -math.inf
        """Time of the next change by time alone, as of the last release of the lock."""
        self.ticker_due = -math.inf
        """Time of the ticker's next visit."""
        self.state_deadline = math.inf
        """Time of the next change of state by time alone, as of the last release of the lock."""
        self.decision_valid_until = -math.inf
        """Time from which `allow` must decide anew."""
        self._late_since = -math.inf
        self._process_time = time.process_time()

    def plan_sample(self, now: float, *, idle: bool, also: float | None = None) -> None:
        """Plan the next sample of the calls, where anything is sampled.

        `also` is the number of seconds between two samples that somebody else needs.
        """
        shedder = self._engine.shedder
        resting = idle and not shedder.limiting
        interval = shedder.interval or (_HANG_INTERVAL if self._engine.watches_hangs else math.inf)
        if also is not None:
            interval = min(interval, also)
        self._next_sample = math.inf if resting else now + interval

    @property
    def due(self) -> float:
        """Time of the next change by time alone."""
        engine = self._engine
        # While memory is short, or the load too high, only a reading can end the wait.
        soonest = min(self._readings.next_due, self._next_sample)
        return (
            soonest if engine.conditions.probes_blocked else min(soonest, engine.machine.deadline)
        )

    def refresh(self, now: float, *, ticking: bool) -> None:
        """Derive the times from the present state; `ticking` if calls need not let time pass."""
        # Where there is a ticker, calls let time pass only when it is late.
        grace = 2 * self._engine.settings.memory_check_interval if ticking else 0.0
        self.next_due, self.state_deadline = self.due, self._engine.machine.deadline
        self.next_tick = max(self.next_due, now) + grace

    def seconds_left(self, now: float) -> float:
        """Return the seconds until time alone changes the state; 0 if it does not."""
        deadline = self.state_deadline
        return max(0.0, deadline - now) if deadline < math.inf else 0.0

    def ticked(self, now: float) -> float:
        """Note that the ticker was here; return the seconds until its next visit."""
        self.ticker_due, self._process_time = self.due, time.process_time()
        return max(0.0, self.ticker_due - now)

    def end_pause(self, now: float, *, ticking: bool) -> bool:
        """Have the calls decide nothing during which the process was paused, where it was.

        Stopped by a signal, or with its virtual machine, it is slow itself, and not what it calls:
        its ticker is late, and it has hardly run since. `ticking` is True if there is a ticker.
        Return True if it was paused.
        """
        due, machine = self.ticker_due, self._engine.machine
        if not ticking or now - due < _PAUSE or due in {-math.inf, self._late_since}:
            return False
        self._late_since = due
        paused = time.process_time() - self._process_time < _PAUSED_SHARE * (now - due)
        if paused and machine.decided in WATCHING:
            machine.generation_started_at = now
            self._engine.judge.hang.begin_generation()
        return paused

    def after_fork(self) -> None:
        """Let the first call in a forked child let time pass."""
        self.next_tick = self.next_due = self.ticker_due = self.decision_valid_until = -math.inf
