"""What calls meet that are not merely answered and noted, and what time does meanwhile.

- While nothing is the matter, calls meet only `HotPath`: `allow` takes a prepared answer, `done`
  notes a duration. All else goes this careful way, to the engine, under the lock. `_set_gates` is
  the only place that says what may pass without thought.
- Who holds the lock first takes in what was noted, so whoever asks or decides knows every call.
- Time passes on the ticker's thread. With an injected clock nothing runs in the background, and
  the calls themselves let time pass.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from breakerd.breaker.calls.duration_histogram import FIRST_BUCKET, DurationHistogram
from breakerd.breaker.calls.totals import CallTotals, DeltaReader
from breakerd.breaker.calls.window import SlidingWindow
from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.engine.load_shedder import CallCounts
from breakerd.breaker.events.listeners import Listeners
from breakerd.breaker.host.load import LOAD, LoadReading
from breakerd.breaker.host.loop_lag import EventLoopLag
from breakerd.breaker.host.memory import MEMORY
from breakerd.breaker.runtime.gate import HotPath
from breakerd.breaker.runtime.ticker import TICKER
from breakerd.breaker.settings import Settings
from breakerd.breaker.states import DISABLED, FORCED_OPEN, WATCHING

_NOTHING: Final = -1.0
"""The duration up to which calls are only noted, where each must be looked at."""
_FIRST_ANSWERS: Final = 32
"""So many answers are prepared at first, and then twice as many each time: a quiet breaker keeps
few in memory, and one that rejects need not be asked many times before it lets a call through."""
_ANSWERS: Final = 4096
"""At most so many calls pass before one takes in what was noted and looks whether the ticker still
lives. Fewer cost each call more, and more of them gain nothing."""
_REJECTIONS: Final = 16_384
"""The same while calls are rejected. These leave no notes to wait, so there may be more of them."""
_PERMITS: Final = 256
"""The same while calls pass and a concurrency limit is in force and far."""


class CarefulPath(HotPath):
    """A breaker but for what may be asked of it and said to it, which `Breaker` has.

    Thread-safe. The arguments are those of `Breaker`.
    """

    __slots__ = (
        "_answers_hold_until",
        "_aside",
        "_background",
        "_deadline",
        "_driven_gate",
        "_due_at",
        "_durations",
        "_engine",
        "_errors",
        "_expected",
        "_failed_duration",
        "_feed",
        "_last_activity",
        "_late",
        "_listeners",
        "_load",
        "_lock",
        "_lock_is_mine",
        "_loop_lag",
        "_lost",
        "_memory",
        "_next_memory",
        "_next_sample",
        "_next_tick",
        "_noted_gate",
        "_postponed",
        "_short",
        "_tick_at",
        "_window",
        "name",
        "ticked",
    )

    def __init__(
        self,
        settings: Settings,
        name: str,
        clock: Callable[[], float],
        memory: Callable[[], float | None] | None,
        load: Callable[[], LoadReading] | None,
    ) -> None:
        super().__init__(clock)
        self.name = name
        self._memory = memory
        self._load = load or (LOAD.read if clock is time.monotonic else LoadReading)
        self._loop_lag = EventLoopLag()
        self.ticked = False
        """Set by who calls `tick` whenever it is due: calls then need not let time pass."""
        self._background = clock is time.monotonic
        self._make_lock()
        self._postponed: list[tuple[float, float, bool]] = []
        """(start, end, error) of calls that were reported in the middle of our own work."""
        self._listeners = Listeners()
        self._engine = Engine(name, settings, self._listeners.emit, self.clock())
        self._window = self._engine.window
        self._errors = 0
        self._aside = 0
        """Reported calls that the window did not take."""
        self._failed_duration = 0.0
        """Seconds that failed calls and late ones took."""
        self._next_sample = -math.inf
        self._late = 0
        """Calls reported as good after the stated time-out."""
        self._lost = 0
        """Allowed calls taken for never to be reported."""
        self._feed = DeltaReader()
        self._last_activity = (0, self.clock())
        self._durations = DurationHistogram()
        self._noted_gate = _NOTHING
        """Seconds up to which a call that went well is only noted, short or not."""
        self._driven_gate = _NOTHING
        """The same where there is no ticker, and each call needs its own end."""
        self._expected: float = FIRST_BUCKET
        """Seconds that calls are expected to take at most: `SHORT`, or any time."""
        self._short = True
        """Whether all that is noted is `SHORT`, and need not be sorted into buckets."""
        self._next_tick = self._next_memory = -math.inf
        self._due_at = self._tick_at = -math.inf
        """When time alone may next change something, and when the ticker is to come again."""
        self._deadline = math.inf
        """When time alone may next change the state, as it was when the lock was let go."""
        self._answers_hold_until = -math.inf
        """When `allow` may no longer say to the next calls what it says now."""
        now = self.clock()
        self._advance(now)
        self._set_gates(now)

    # --- the careful way of the hot path

    def _allow_carefully(self) -> bool:
        if self._lock_is_mine():
            return self._allow_amid()
        answer = self._answer_again()
        return self._think_about_one() if answer is None else answer

    def _answer_again(self) -> bool | None:
        """The same answer as before, where it holds until later, with more of them prepared."""
        with self._lock:
            now = self.clock()
            if now >= self._answers_hold_until:
                return None
            self._take_in(now)
            if not self._answer:
                self._rejected_before += 1
                self._prepare(False, self._more(False))
                return False
            room = self._room()
            if not room:
                return None
            self._admitted_before += 1
            self._prepare(True, room - 1)
        return True

    def _think_about_one(self) -> bool:
        now = self._enter()
        try:
            if now >= self._next_tick:
                self._advance(now)
            if self._engine.watches_memory:
                self._read_memory(now)
            if self._engine.shedding.limiting:
                # So that no thread takes an answer while this call is judged.
                self._prepare(self._answer, 0)
            allowed = self._engine.admit(now, self._traffic)
            if allowed:
                self._admitted_before += 1
            else:
                self._rejected_before += 1
        finally:
            self._leave(now)
        return allowed

    def _allow_amid(self) -> bool:
        """Answers as before, in the middle of our own work: to a finaliser, or a signal handler."""
        if self._answer:
            self._admitted_before += 1
        else:
            self._rejected_before += 1
        return self._answer

    def _done_carefully(self, start: float, end: float, error: bool) -> None:
        if start <= end and not error and self._note_long(end - start):
            return
        if not math.isfinite(end - start):
            raise ValueError(f"done() got start={start}, end={end}; both must be finite seconds")
        if self._lock_is_mine():
            # The collector closed a generator with a guard in it, or a signal came: no deadlock.
            self._postponed.append((start, end, error))
            return
        if self._note_at_once(start, end, error=error):
            return
        now = self._enter()
        try:
            self._take_in_one(now, start, end, error=error)
            if now >= self._next_tick:
                self._advance(now)
        finally:
            self._leave(now)

    def _note_long(self, seconds: float) -> bool:
        """Notes a call that went well and is not `SHORT`; nor need the next ones be."""
        if seconds > self._noted_gate:
            return False
        with self._lock:
            if seconds > self._noted_gate:
                return False
            self._short, self._expected, self._quick = False, math.inf, self._noted_gate
            self._log.append(seconds)
        return True

    def _note_at_once(self, start: float, end: float, *, error: bool) -> bool:
        """Takes in a call that went well, with its own end, where there is no ticker."""
        if error or not start <= end < self._next_tick or start < self._engine.machine.since:
            return False
        with self._lock:
            seconds = end - start
            if seconds > self._driven_gate:
                return False
            self._durations.add(seconds)
            self._window.add(end, seconds, error=False)
        return True

    def _take_in_one(self, now: float, start: float, end: float, *, error: bool) -> None:
        end = max(start, end)
        seconds = end - start
        late = not error and seconds > self._engine.useful_time
        self._errors += error
        self._late += late
        self._failed_duration += seconds * (error or late)
        self._durations.add(seconds)
        if not self._engine.observe(now, start, end, self._traffic, error=error):
            self._aside += 1

    # --- time

    def tick(self) -> float:
        """Lets time pass: reads memory, ends waits. Returns seconds until it is due again.

        The ticker calls it. With an injected clock, call it to let time pass without calls.
        """
        with self._careful() as now:
            self._advance(now)
            self._tick_at = self._due
            return max(0.0, self._tick_at - self.clock())

    def after_fork(self) -> None:
        """Makes new locks in a forked child, to which the parent's calls will not report."""
        self._make_lock()
        self._renew_lock()
        self._lost += self._in_flight
        self._listeners.after_fork()
        MEMORY.after_fork()
        LOAD.after_fork()
        self._loop_lag.after_fork()

    # --- under the lock

    def _make_lock(self) -> None:
        self._lock = threading.RLock()
        # Not public, but what `threading.Condition` asks of every such lock.
        self._lock_is_mine: Callable[[], bool] = self._lock._is_owned  # type: ignore[attr-defined]  # noqa: SLF001

    def _enter(self) -> float:
        """Takes the lock, and in what was noted; the time is returned. `_leave` must follow."""
        try:
            self._lock.acquire()
            now = self.clock()
            self._take_in(now)
        except BaseException:
            # An interrupt may come before the lock was taken, or just after.
            if self._lock_is_mine():
                self._lock.release()
            raise
        return now

    def _leave(self, now: float) -> None:
        """Sets the gates, lets the lock go, tells the listeners, wakes the ticker."""
        try:
            while self._postponed:
                start, end, error = self._postponed.pop(0)
                self._take_in_one(now, start, end, error=error)
            self._set_gates(now)
        finally:
            self._lock.release()
        if self._lock_is_mine():  # still: whoever had it before us sees to the rest
            return
        self._listeners.deliver()
        if self._due_at < self._tick_at and self._background:
            self._tick_at = self._due_at
            TICKER.wake(self)

    @contextmanager
    def _careful(self) -> Iterator[float]:
        """`_enter` and `_leave`, where the microsecond that a generator costs does not matter."""
        now = self._enter()
        try:
            yield now
        finally:
            self._leave(now)

    def _present_window(self) -> SlidingWindow:
        """The window, with all that was noted, and nothing too old; the lock is held."""
        now = self.clock()
        self._take_in(now)
        self._window.expire(now)
        return self._window

    def _take_in(self, now: float) -> None:
        """Takes in what the hot path noted since the last time; the lock is held.

        The calls count as if they had ended now, which is a tick too late at most.
        """
        noted = self._take_log()
        if not noted:
            return
        total = sum(noted)
        if not total >= 0.0:
            # Some ended before they started: that counts as no time at all.
            noted = [max(0.0, seconds) for seconds in noted]
            total = sum(noted)
        self._window.extend(now, noted)
        if self._durations.extend(noted, total, short=self._short):
            # Notes made before this, by other threads too, may be of longer calls: one batch later
            # there are none, unless `_done_carefully` says so.
            self._short = self._expected <= FIRST_BUCKET
            self._expected = FIRST_BUCKET
            self._quick = min(FIRST_BUCKET, self._noted_gate)

    def _advance(self, now: float) -> None:
        if now >= self._next_memory:
            self._next_memory = now + self._engine.settings.memory_check_interval
            self._read_memory(now)
            self._read_load(now)
        traffic = self._traffic
        batch = self._feed.read(self._totals(), self._window, traffic.in_flight)
        self._engine.learn(now, batch, traffic)
        self._engine.advance(now, traffic)
        self._forget_lost_calls(now)
        self._plan_sample(now, idle=not (batch.admitted or batch.ended or traffic.in_flight))

    @property
    def _traffic(self) -> CallCounts:
        return CallCounts(self._admitted, self._in_flight)

    @property
    def _in_flight(self) -> int:
        """Calls under way; the lock is held."""
        reported = self._window.total + len(self._log) + len(self._postponed) + self._aside
        unreported = max(0, self._admitted - reported)
        # One that was given up may have reported after all.
        self._lost = min(self._lost, unreported)
        return unreported - self._lost

    def _plan_sample(self, now: float, *, idle: bool) -> None:
        interval = self._engine.shedding.interval
        resting = idle and not self._engine.shedding.limiting
        self._next_sample = math.inf if resting or interval is None else now + interval

    def _totals(self) -> CallTotals:
        return CallTotals(
            admitted=self._admitted,
            rejected=self._rejected,
            ended=self._durations.count,
            errors=self._errors,
            late=self._late,
            duration=self._durations.sum,
            failed_duration=self._failed_duration,
        )

    def _read_memory(self, now: float) -> None:
        if self._memory is not None:
            share = self._memory()
        else:
            reading = MEMORY.read()
            share = reading.utilization if reading else None
        self._engine.read_memory(now, share)

    def _read_load(self, now: float) -> None:
        if self._engine.load.enabled or self._engine.load.breached:
            self._engine.read_load(now, self._load(), self._loop_lag.seconds)
            LOAD.log_unavailable(self._engine.load.unavailable)

    def _forget_lost_calls(self, now: float) -> None:
        activity = self._admitted + self._window.total + self._aside
        count, since = self._last_activity
        if activity != count:
            self._last_activity = (activity, now)
        elif now - since > self._engine.settings.latency_max_age:
            self._lost += self._in_flight

    # --- what may pass without thought

    def _room(self) -> int:
        """How many calls may pass without thought, while calls pass."""
        shedding = self._engine.shedding
        if not shedding.limiting:
            return self._more(True)
        # So that no thread takes an answer while the room is counted.
        self._prepare(True, 0)
        return min(_PERMITS, shedding.headroom(self._in_flight))

    @property
    def _due(self) -> float:
        """When time alone may next change something."""
        machine = self._engine.machine
        # While memory is short, or the load too high, only a reading can end the wait.
        soonest = min(self._next_memory, self._next_sample)
        return soonest if self._engine.starved else min(soonest, machine.deadline)

    def _set_gates(self, now: float) -> None:
        """Derives from the state what may pass without thought; the lock is held."""
        engine = self._engine
        machine = engine.machine
        self._deadline = machine.deadline
        letting = machine.automatic in WATCHING
        ticking = self._background or self.ticked
        # Where there is a ticker, calls step in only when it is late.
        late = 2 * self._engine.settings.memory_check_interval if ticking else 0.0
        self._due_at = self._due
        self._next_tick = max(self._due_at, now) + late
        gate = engine.slow_after if letting and not engine.near else _NOTHING
        # A call that ends from now on and takes less began after the last transition.
        self._noted_gate = min(gate, now - machine.since) if self._background else _NOTHING
        self._driven_gate = _NOTHING if self._background else gate
        self._quick = min(self._expected, self._noted_gate)
        answer, count, until = self._answers_to_come(now, letting=letting, ticking=ticking)
        self._prepare(answer, count)
        self._answers_hold_until = min(until, self._next_tick)

    def _answers_to_come(
        self, now: float, *, letting: bool, ticking: bool
    ) -> tuple[bool, int, float]:
        """What `allow` may say without thought, how often, and until when it may do so again."""
        engine = self._engine
        machine, mode = engine.machine, engine.machine.mode
        if mode is DISABLED:
            return True, self._more(True), math.inf
        # Calls that only set out must let time pass too, where nobody else does: they may all hang.
        driven = ticking or engine.shedding.interval is None
        if letting and machine.deciding and driven and not engine.watches_memory:
            room = self._room()
            return True, room, math.inf if room else -math.inf
        waiting = mode is None and machine.waits(now) and not engine.gated
        if not (self._background and (waiting or mode is FORCED_OPEN)):
            return False, 0, -math.inf
        return False, self._more(False), self._deadline

    def _more(self, answer: bool) -> int:
        """How often `answer` is to be prepared the next time."""
        before = self._prepared if answer is self._answer else 0
        return min(_ANSWERS if answer else _REJECTIONS, max(_FIRST_ANSWERS, 2 * before))
