"""The breaker: `allow()` before a call, `done()` after it, and what may be asked and said beside.

How it is kept fast and safe:

- `allow` and `done` take no lock and read no clock while nothing is the matter. They look at a few
  plain attributes (the gates) that say what may pass without thought; all else goes the careful
  way, to the engine, under the lock. `_set_gates` is the only place that sets them.
- Straight-line code without calls is atomic under the GIL, so `self._admitted += 1` loses no
  count. Where the GIL is off, both methods take the lock (see the end of this module).
- Time passes on the ticker's thread. With an injected clock nothing runs in the background, and
  the calls themselves let time pass.
"""

import functools
import math
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from breaker import guard as guards
from breaker import snapshot as snapshots
from breaker.baseline import Feed, Totals
from breaker.baseline.report import BaselineReport
from breaker.baseline.report import report as describe_baseline
from breaker.context import Priority
from breaker.counters import DURATION_BOUNDS, Counters
from breaker.engine import Engine
from breaker.errors import BreakerOpenError
from breaker.events import Signal
from breaker.listeners import Listener, Listeners
from breaker.load import LOAD, LoadReading
from breaker.loop_lag import LoopLag
from breaker.memory import MEMORY, MemoryReading
from breaker.revision import revised
from breaker.settings import Settings, Slo
from breaker.shedding import Traffic
from breaker.state import REJECTING, Reason, State
from breaker.status import ConfigReport, Status, describe
from breaker.stream import EventStream
from breaker.ticker import TICKER
from breaker.window import CallWindow

if TYPE_CHECKING:
    from pathlib import Path

P = ParamSpec("P")
R = TypeVar("R")

_ALWAYS_CAREFUL = -1.0
OVERLOADED = "overloaded"
"""The reason of a call that is turned away for the concurrency limit."""


class Breaker:
    """A circuit breaker for one kind of call. Safe under threads and in asyncio.

    Args:
        settings: thresholds and times; the defaults of `Settings` if not given.
        name: what it is called in metrics, events and alerts.
        clock: seconds as a float, never going back. With any other clock than `time.monotonic`
            nothing runs in the background: calls, and `tick`, let time pass.
        memory: gives the used share of the memory limit, 0 to 1, or None where it is unknown.
            Read on a timer. By default the control group's, else the host's.
        load: gives the machine's load, where a threshold of `[load]` is set. By default the
            control group's and the host's; with an injected clock, nothing.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        name: str = "default",
        clock: Callable[[], float] = time.monotonic,
        memory: Callable[[], float | None] | None = None,
        load: Callable[[], LoadReading] | None = None,
    ) -> None:
        self.name = name
        self.clock = clock
        self.config_file: Path | None = None
        """The file its settings come from, if any."""
        self.config_report: Callable[[], ConfigReport | None] = _no_config
        """Asked for what `status()` says of that file; set by whoever watches it."""
        self._memory = memory
        self._load = load or (LOAD.read if clock is time.monotonic else LoadReading)
        self._loop_lag = LoopLag()
        self.ticked = False
        """Set by who calls `tick` whenever it is due: calls then need not let time pass."""
        self._background = clock is time.monotonic
        self._lock = threading.Lock()
        self._outer_lock = threading.RLock()
        self._listeners = Listeners()
        self._engine = Engine(name, settings or Settings(), self._listeners.emit, self.clock())
        self._window = self._engine.window
        self._admitted = self._rejected = 0
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
        self._feed = Feed()
        self._last_activity = (0, self.clock())
        self._buckets = [0] * (len(DURATION_BOUNDS) + 1)
        self._duration_sum = 0.0
        self._next_memory = -math.inf
        self._advance(self.clock())
        if self._background:
            TICKER.add(self)

    @classmethod
    def from_file(cls, path: str | PathLike[str], *, name: str = "default") -> "Breaker":
        """The breaker `name` of a TOML file, which is watched and applied while it runs.

        Raises:
            ConfigError: the file is missing or wrong; holds every problem found.
        """
        # Not at the top: a registry is made of breakers.
        from breaker.registry import Registry  # noqa: PLC0415

        return Registry.from_file(path).get(name)

    # --- the hot path

    def allow(self) -> bool:
        """Whether the call may go; if so, report it with `done`. Never blocks on I/O."""
        if self._passing:
            self._admitted += 1
            return True
        # With the ticker to end the wait, a rejection need not read the clock; every 256th does
        # all the same, so that not even a dead ticker can keep the breaker open for ever.
        if self._shut and self._rejected & 0xFF:
            self._rejected += 1
            return False
        return self._allow_carefully()

    def done(self, start: float, end: float, *, error: bool = False) -> None:
        """Reports a call that was allowed.

        Args:
            start: `clock()` before the call. A call that began before the last transition counts
                in the metrics, and decides nothing.
            end: `clock()` after it. Before `start` it counts as `start`.
            error: whether the call failed.

        Raises:
            ValueError: a time is not a finite number.
        """
        seconds = end - start
        if (
            error
            or not 0.0 <= seconds <= self._slow_gate
            or end >= self._next_tick
            or start < self._since
        ):
            self._done_carefully(start, end, error)
            return
        window = self._window
        # In this order: see CallWindow.
        window.calls.append((end, seconds))
        window.ended += 1
        self._duration_sum += seconds
        self._buckets[bisect_left(DURATION_BOUNDS, seconds)] += 1

    def _allow_carefully(self) -> bool:
        with self._careful() as now:
            if now >= self._next_tick:
                self._advance(now)
            if self._engine.gated:
                self._read_memory(now)
            allowed = self._engine.admit(now, self._traffic)
            if allowed:
                self._admitted += 1
            else:
                self._rejected += 1
        return allowed

    def _done_carefully(self, start: float, end: float, error: bool) -> None:  # noqa: FBT001 - handed on as it came
        if not math.isfinite(end - start):
            raise ValueError(f"done() got start={start}, end={end}; both must be finite seconds")
        end = max(start, end)
        with self._careful() as now:
            self._errors += error
            late = not error and end - start > self.settings.useful_time
            self._late += late
            self._failed_duration += (end - start) * (error or late)
            self._duration_sum += end - start
            self._buckets[bisect_left(DURATION_BOUNDS, end - start)] += 1
            if not self._engine.observe(now, start, end, self._traffic, error=error):
                self._aside += 1
            if now >= self._next_tick:
                self._advance(now)

    # --- what may be asked

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._engine.settings

    @property
    def state(self) -> State:
        """The state that calls meet."""
        return self._engine.machine.state

    @property
    def triggered(self) -> bool:
        """Whether calls are being rejected: all, or all but probes and a share."""
        return self._engine.machine.state in REJECTING

    @property
    def enabled(self) -> bool:
        """False only under `DISABLED`."""
        return self._engine.machine.mode is not State.DISABLED

    @property
    def memory_ok(self) -> bool:
        """Whether memory use is below its threshold, or unknown."""
        return not self._engine.memory.breached

    @property
    def memory_share(self) -> float | None:
        """Used share of the memory limit at the last reading; None while unknown."""
        return self._engine.memory.used

    @property
    def latency_ok(self) -> bool:
        """Whether the watched percentile is within its threshold, or calls are too few to say."""
        return not self._engine.latency.breached(self._present_window())

    @property
    def service_ok(self) -> bool:
        """Whether the service level is kept, calls are normal and not too many, the load is borne.

        What is not is told; without a stated `slo`, a `[limiter]` and a threshold of `[load]`, it
        is always True.
        """
        troubles = (Signal.SLO, Signal.ANOMALY, Signal.OVERLOAD, Signal.LOAD)
        return not any(map(self._engine.breach, troubles))

    @property
    def in_flight(self) -> int:
        """Calls that were allowed and have not reported.

        Those whose `done` never came are forgotten once nothing was allowed or reported for
        `latency_max_age` seconds.
        """
        return max(0, self._admitted - self._window.ended - self._aside - self._lost)

    @property
    def concurrency_limit(self) -> float:
        """How many calls may be under way at once; infinite while there is no limit."""
        return self._engine.shedding.limit

    @property
    def retry_after(self) -> float:
        """Seconds until a rejected call may have a chance; 0 where that is not known."""
        deadline = self._engine.machine.deadline
        return max(0.0, deadline - self.clock()) if math.isfinite(deadline) else 0.0

    def latencies_above(self, threshold_ms: float) -> list[float]:
        """Latencies in the window above `threshold_ms`, in milliseconds, oldest first."""
        return [s * 1000 for s in self._present_window().durations() if s * 1000 > threshold_ms]

    def rejection(self) -> BreakerOpenError:
        """The error that tells a caller why it is rejected, and when to come again."""
        mode = self._engine.machine.mode
        overloaded = self._engine.rejects_for_load
        why = OVERLOADED if overloaded else self._engine.trip_reason.value
        reason = mode.value.lower() if mode else why
        return BreakerOpenError(self.name, reason=reason, retry_after=self.retry_after)

    def memory_reading(self) -> MemoryReading | None:
        """Memory use and limit in bytes; None if unknown, or if it has a `memory` of its own."""
        return MEMORY.read() if self._memory is None else None

    def status(self) -> Status:
        """All there is to know now, as JSON-able data; what `GET /status` answers."""
        self._present_window()
        with self._careful() as now:
            return describe(self, self._engine, now)

    def counters(self) -> Counters:
        """What was counted since the breaker was made."""
        running = 0
        buckets = []
        for bound, count in zip((*DURATION_BOUNDS, math.inf), self._buckets, strict=True):
            running += count
            buckets.append((bound, running))
        return Counters(
            success=running - self._errors,
            error=self._errors,
            rejected=self._rejected,
            in_flight=self.in_flight,
            would_reject=self._engine.would_reject,
            transitions=dict(self._engine.transitions),
            duration_buckets=tuple(buckets),
            duration_sum=self._duration_sum,
        )

    def baseline(self) -> BaselineReport:
        """What was learnt of the calls on each time scale; also part of `status()`."""
        with self._careful() as now:
            return describe_baseline(self._engine.baseline, now)

    def snapshot(self) -> dict[str, Any]:
        """State, recovery and window as versioned, JSON-able data for `restore`."""
        with self._careful() as now:
            return snapshots.take(self._engine, now)

    # --- what may be said

    def reset(self) -> None:
        """Closes, ends drills, and forgets the window. `DISABLED` and `OBSERVE` stay in force."""
        mode = self._engine.machine.mode
        self._operate(None if mode is State.FORCED_OPEN else mode, Reason.RESET)

    def enable(self) -> None:
        """Ends what an operator put in force (`disable`, `force_open`, `observe`), and resets."""
        self._operate(None, Reason.RESET)

    def disable(self) -> None:
        """Lets everything pass and decides nothing, until `enable`."""
        self._operate(State.DISABLED, Reason.OPERATOR)

    def observe(self) -> None:
        """Goes on deciding and reporting, but rejects nothing, until `enable`."""
        self._operate(State.OBSERVE, Reason.OPERATOR)

    def force_open(self, reason: str = "") -> None:
        """Rejects everything until `reset` or `enable`; `reason` is kept for those who ask."""
        self._operate(State.FORCED_OPEN, Reason.OPERATOR, note=reason)

    def trip(self, reason: str = "manual", *, drill: bool = False) -> None:
        """Opens as if a signal had said so; recovery goes its usual way.

        Open already, it begins its wait anew.

        Raises:
            BreakerStateError: it is disabled, or forced open.
        """
        with self._careful() as now:
            self._engine.trip(now, note="" if reason == "manual" else reason, drill=drill)

    def drill_latency(self) -> None:
        """Takes in calls of twice the latency threshold until it trips: a drill.

        Raises:
            BreakerStateError: it is not closed, so that nothing would be shown.
        """
        with self._careful() as now:
            # No caller made these calls, so they must not count as reported ones.
            self._aside -= self._engine.drill_latency(now, self._traffic)

    def drill_memory(self) -> None:
        """Pretends that all memory is used, until `end_memory_drill`, `reset` or `enable`.

        Raises:
            BreakerStateError: it is disabled or forced open, so that nothing would be shown.
        """
        with self._careful() as now:
            self._engine.drill_memory(now)

    def end_memory_drill(self) -> None:
        """Lets memory be what it is again; recovery then goes its usual way."""
        with self._careful() as now:
            self._engine.end_memory_drill()
            self._read_memory(now)

    def apply(self, settings: Settings) -> None:
        """Puts new settings in force. State, window and running waits are kept.

        A new window size keeps the newest calls. Thresholds count from the next call or tick.
        """
        with self._careful() as now:
            if self._engine.apply(now, settings):
                self._read_memory(now)
                self._read_load(now)

    def revised_slo(self) -> Slo | None:
        """The service level that is really kept, learnt over about a day.

        None without a stated `slo`, and until enough is known; to be put in force by `revise`.
        """
        with self._careful() as now:
            slo = self._engine.settings.slo
            return revised(self._engine.baseline, slo, now) if slo else None

    def revise(self, slo: Slo | None) -> None:
        """Puts another service level in force, or none; all else is kept, and nothing warms up.

        The file is not changed: where there is one, `Registry.change` also writes it down.
        """
        self.apply(self.settings.model_copy(update={"slo": slo}))

    def restore(self, data: dict[str, Any]) -> None:
        """Takes up a snapshot where it was left; the time since then counts as passed.

        Raises:
            SnapshotError: the data is no snapshot, damaged, or of a version that is not known.
                Nothing is changed then.
        """
        with self._careful() as now:
            self._aside -= snapshots.restore(self._engine, now, data)

    def watch_loop(self) -> None:
        """Measures how late the running event loop is, until it closes: for `loop_lag_threshold`.

        Of several loops the latest counts; watching one twice does nothing.

        Raises:
            RuntimeError: no asyncio loop is running in this thread.
        """
        self._loop_lag.watch()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` with each `Event` from now on; returns the way to end that.

        It is called in order, outside of all locks, on the thread whose call moved the breaker,
        so it has to be quick. What it raises is logged.
        """
        return self._listeners.subscribe(listener)

    def events(self, maxsize: int = 1000) -> EventStream:
        """Events from now on, for `async for`; a slow reader is told what it missed."""
        return EventStream(self.subscribe, maxsize, name=self.name)

    def close(self) -> None:
        """Ends its background work. It goes on deciding, driven by its calls."""
        TICKER.discard(self)
        with self._careful():
            self._background = False

    # --- calls that cannot forget `done`

    def guard(
        self,
        *,
        timeout: guards.Timeout | None = None,
        priority: Priority | None = None,
        ignore: guards.Ignored = (),
    ) -> guards.Guard:
        """A context manager, sync and async, for one call; exceptions count as errors.

        Args:
            timeout: seconds; `async with` cancels its body then, plain `with` hands the deadline
                down and counts a late answer as an error. "slo": the stated service level's.
            priority: how important the call is, and all that is called inside.
            ignore: exceptions that do not count, because they are an answer and not a failure.

        Raises:
            BreakerOpenError: on entry, where the call may not go.
            DeadlineExceeded: on entry, where a deadline given around it has passed; in the async
                form also when the time is over.
            ValueError: `timeout` is not above 0, or not finite.
        """
        if timeout is None and priority is None and not ignore:
            return guards.Guard(self)  # the usual case, spared the cost of making terms
        return guards.Guard(self, guards.Terms(timeout, priority, ignore))

    def guarded(
        self,
        *,
        timeout: guards.Timeout | None = None,
        priority: Priority | None = None,
        ignore: guards.Ignored = (),
    ) -> guards.Decorator:
        """Like `@breaker`, with the arguments of `guard`: `@breaker.guarded(timeout=0.8)`."""
        return guards.Decorator(self, guards.Terms(timeout, priority, ignore))

    def call(self, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls `fn` guarded. Raises `BreakerOpenError` where it may not go."""
        return guards.call(self, fn, *args, **kwargs)

    async def call_async(
        self, fn: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Calls and awaits `fn` guarded. Raises `BreakerOpenError` where it may not go."""
        return await guards.call_async(self, fn, *args, **kwargs)

    def __call__(self, fn: Callable[P, R]) -> Callable[P, R]:
        """Decorates a function, sync or async, so that each of its calls is guarded."""
        return guards.decorate(self, fn)

    def __repr__(self) -> str:
        return f"<Breaker {self.name!r} {self.state.value}>"

    # --- time

    def tick(self) -> float:
        """Lets time pass: reads memory, ends waits. Returns seconds until it is due again.

        The ticker calls it. With an injected clock, call it to let time pass without calls.
        """
        with self._careful() as now:
            self._advance(now)
            return max(0.0, self._due - self.clock())

    def after_fork(self) -> None:
        """Makes new locks in a forked child."""
        self._lock, self._outer_lock = threading.Lock(), threading.RLock()
        self._listeners.after_fork()
        MEMORY.after_fork()
        LOAD.after_fork()
        self._loop_lag.after_fork()

    @contextmanager
    def _careful(self) -> Iterator[float]:
        """Holds the lock; afterwards sets the gates, tells the listeners, wakes the ticker."""
        with self._lock:
            generation = self._engine.machine.generation
            now = self.clock()
            try:
                yield now
            finally:
                self._set_gates(now)
                changed = self._engine.machine.generation != generation
        self._listeners.deliver()
        if changed and self._background:
            TICKER.wake()

    def _present_window(self) -> CallWindow:
        """The window without what has become too old since the last tick."""
        with self._lock:
            self._window.expire(self.clock())
        return self._window

    def _advance(self, now: float) -> None:
        if now >= self._next_memory:
            self._next_memory = now + self.settings.memory_check_interval
            self._read_memory(now)
            self._read_load(now)
        traffic = self._traffic
        batch = self._feed.batch(self._totals(), self._window, traffic.in_flight)
        self._engine.learn(now, batch, traffic)
        self._engine.advance(now, traffic)
        self._forget_lost_calls(now)
        self._plan_sample(now, idle=not (batch.admitted or batch.ended or traffic.in_flight))
        self._set_gates(now)

    @property
    def _traffic(self) -> Traffic:
        return Traffic(self._admitted, self.in_flight)

    def _plan_sample(self, now: float, *, idle: bool) -> None:
        interval = self._engine.shedding.interval
        resting = idle and not self._engine.shedding.limiting
        self._next_sample = math.inf if resting or interval is None else now + interval

    def _totals(self) -> Totals:
        return Totals(
            admitted=self._admitted,
            rejected=self._rejected,
            ended=sum(self._buckets),
            errors=self._errors,
            late=self._late,
            duration=self._duration_sum,
            failed_duration=self._failed_duration,
        )

    def _read_memory(self, now: float) -> None:
        if self._memory is not None:
            share = self._memory()
        else:
            reading = MEMORY.read()
            share = reading.share if reading else None
        self._engine.read_memory(now, share)

    def _read_load(self, now: float) -> None:
        if self._engine.load.watched or self._engine.load.breached:
            self._engine.read_load(now, self._load(), self._loop_lag.seconds)
            LOAD.tell(self._engine.load.unknown)

    def _operate(self, mode: State | None, reason: Reason, *, note: str = "") -> None:
        with self._careful() as now:
            self._engine.operate(now, mode, reason, note=note)
            self._read_memory(now)

    def _forget_lost_calls(self, now: float) -> None:
        activity = self._admitted + self._window.ended + self._aside
        count, since = self._last_activity
        if activity != count:
            self._last_activity = (activity, now)
        elif now - since > self.settings.latency_max_age:
            self._lost += self.in_flight

    @property
    def _due(self) -> float:
        """When time alone may next change something."""
        machine = self._engine.machine
        # While memory is short, or the load too high, only a reading can end the wait.
        soonest = min(self._next_memory, self._next_sample)
        return soonest if self._engine.starved else min(soonest, machine.deadline)

    def _set_gates(self, now: float) -> None:
        """Derives what the hot path looks at from the state."""
        machine, mode = self._engine.machine, self._engine.machine.mode
        letting = machine.automatic in {State.CLOSED, State.WARMING_UP}
        self._since = machine.since
        # Without a ticker, calls that only set out must let time pass too: they may all hang.
        ticking = self._background or self.ticked
        driven = ticking or self._engine.shedding.interval is None
        free = letting and machine.deciding and driven and not self._engine.gated
        self._passing = mode is State.DISABLED or free
        waiting = mode is None and machine.waits(now) and not self._engine.gated
        self._shut = self._background and (mode is State.FORCED_OPEN or waiting)
        limit = self.settings.slow_after
        self._slow_gate = limit if letting and not self._engine.near else _ALWAYS_CAREFUL
        # Where there is a ticker, calls step in only when it is late.
        late = 2 * self.settings.memory_check_interval if ticking else 0.0
        self._next_tick = max(self._due, now) + late


def _no_config() -> ConfigReport | None:
    return None


def locked(
    method: Callable[Concatenate[Breaker, P], R],
) -> Callable[Concatenate[Breaker, P], R]:
    """The method under the breaker's outer lock, for interpreters whose GIL is off.

    Re-entrant, since listeners that it reaches may call the breaker again.
    """

    @functools.wraps(method)
    def under_lock(self: Breaker, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._outer_lock:
            return method(self, *args, **kwargs)

    return under_lock


if not getattr(sys, "_is_gil_enabled", lambda: True)():
    for _name in ("allow", "done"):
        setattr(Breaker, _name, locked(getattr(Breaker, _name)))
