"""The breaker: `allow()` before a call, `done()` after it, and what may be asked and said beside.

It is made of three layers, and fast and safe by that: `HotPath` is what every call meets,
`CarefulPath` what a call meets while something is the matter, and what time does; here is what
developers and operators say and ask, which takes the lock and is seldom done.
"""

import math
import time
from collections.abc import Callable
from importlib import import_module
from os import PathLike
from sys import getrefcount
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from breakerd.breaker.baseline.report import BaselineReport
from breakerd.breaker.baseline.report import report as describe_baseline
from breakerd.breaker.baseline.slo_estimate import revised
from breakerd.breaker.calls.counters import Counters
from breakerd.breaker.context import Priority
from breakerd.breaker.errors import BreakerOpenError
from breakerd.breaker.events.events import Signal
from breakerd.breaker.events.listeners import Listener
from breakerd.breaker.events.stream import EventStream
from breakerd.breaker.guards import decorators as decorator
from breakerd.breaker.guards.fast_guard import plain_guard
from breakerd.breaker.guards.guard import UNUSED, Guard, guard_of
from breakerd.breaker.guards.options import Ignored, Terms, Timeout
from breakerd.breaker.host.load import LoadReading
from breakerd.breaker.host.memory import MEMORY, MemoryReading
from breakerd.breaker.runtime.controller import CarefulPath
from breakerd.breaker.runtime.ticker import TICKER
from breakerd.breaker.settings import Settings, Slo
from breakerd.breaker.states import REJECTING, Reason, State

if TYPE_CHECKING:
    from pathlib import Path

    from breakerd.breaker.runtime.status import ConfigReport, Status

P = ParamSpec("P")
R = TypeVar("R")

OVERLOADED = "overloaded"
"""The reason of a call that is turned away for the concurrency limit."""


class Breaker(CarefulPath):
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

    # A class whose instances have over thirty attributes in a dictionary loses what makes method
    # calls cheap in CPython 3.11. With a dictionary beside the slots, instances can be patched.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "_last_guard",
        "_plain_guard",
        "config_file",
        "config_report",
    )

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        name: str = "default",
        clock: Callable[[], float] = time.monotonic,
        memory: Callable[[], float | None] | None = None,
        load: Callable[[], LoadReading] | None = None,
    ) -> None:
        super().__init__(settings or Settings(), name, clock, memory, load)
        self.config_file: Path | None = None
        """The file its settings come from, if any."""
        self.config_report: Callable[[], ConfigReport | None] = _no_config
        """Asked for what `status()` says of that file; set by whoever watches it."""
        self._plain_guard = plain_guard(self)
        self._last_guard = self._plain_guard()
        """Given out again once nobody else holds it: to make one costs as much as the breaker."""
        if self._background:
            TICKER.add(self)

    @classmethod
    def from_file(cls, path: str | PathLike[str], *, name: str = "default") -> "Breaker":
        """The breaker `name` of a TOML file, which is watched and applied while it runs.

        Raises:
            ConfigError: the file is missing or wrong; holds every problem found.
        """
        # By name: the registry is made of breakers, and a static import would be a circle.
        opened: Breaker = import_module("breakerd.breaker.registry").open_breaker(path, name)
        return opened

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
        with self._lock:
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
        with self._lock:
            return self._in_flight

    @property
    def concurrency_limit(self) -> float:
        """How many calls may be under way at once; infinite while there is no limit."""
        return self._engine.shedding.limit

    @property
    def retry_after(self) -> float:
        """Seconds until a rejected call may have a chance; 0 where that is not known."""
        deadline = self._deadline
        return max(0.0, deadline - self.clock()) if deadline < math.inf else 0.0

    def latencies_above(self, threshold_ms: float) -> list[float]:
        """Latencies in the window above `threshold_ms`, in milliseconds, oldest first."""
        with self._lock:
            durations = self._present_window().durations()
        return [seconds * 1000 for seconds in durations if seconds * 1000 > threshold_ms]

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

    def status(self) -> "Status":
        """All there is to know now, as JSON-able data; what `GET /status` answers."""
        from breakerd.breaker.runtime.status import describe

        with self._careful() as now:
            self._window.expire(now)
            return describe(self, self._engine, self._counters(), now)

    def counters(self) -> Counters:
        """What was counted since the breaker was made."""
        with self._lock:
            self._take_in(self.clock())
            return self._counters()

    def _counters(self) -> Counters:
        return Counters(
            success=self._durations.count - self._errors,
            error=self._errors,
            rejected=self._rejected,
            in_flight=self._in_flight,
            would_reject=self._engine.would_reject,
            transitions=dict(self._engine.transitions),
            duration_buckets=self._durations.cumulative(),
            duration_sum=self._durations.sum,
        )

    def baseline(self) -> BaselineReport:
        """What was learnt of the calls on each time scale; also part of `status()`."""
        with self._careful() as now:
            return describe_baseline(self._engine.baseline, now)

    def snapshot(self) -> dict[str, Any]:
        """State, recovery and window as versioned, JSON-able data for `restore`."""
        from breakerd.breaker.persistence import snapshot as snapshots

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
            self._next_memory = min(self._next_memory, now + settings.memory_check_interval)
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
        from breakerd.breaker.persistence import snapshot as snapshots

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

    # The arguments are to be named; that they must not be spares each call 20 ns.
    def guard(
        self,
        timeout: Timeout | None = None,
        priority: Priority | None = None,
        ignore: Ignored | None = None,
    ) -> Guard:
        """A context manager, sync and async, for one call; exceptions count as errors.

        On the real clock it does itself what `allow` and `done` of the class do, so what a test
        puts in their place on an instance is not asked: `force_open` is.

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
        if timeout is None and priority is None and ignore is None:
            guard = self._last_guard
            if getrefcount(guard) != UNUSED:
                # Called in one step, it would be looked up as if it were a method: 30 ns.
                kind = self._plain_guard
                self._last_guard = guard = kind()
            guard.breaker, guard._time_limit = self, None  # noqa: SLF001 - in place of an `__init__`
            return guard
        return guard_of(self, timeout, priority, ignore)

    def guarded(
        self,
        *,
        timeout: Timeout | None = None,
        priority: Priority | None = None,
        ignore: Ignored = (),
    ) -> decorator.Decorator:
        """Like `@breaker`, with the arguments of `guard`: `@breaker.guarded(timeout=0.8)`."""
        return decorator.Decorator(self, Terms(timeout, priority, ignore))

    # Not called from methods of their own, which would cost as much as the breaker.
    call = decorator.call
    call_async = decorator.call_async

    def __call__(self, fn: Callable[P, R]) -> Callable[P, R]:
        """Decorates a function, sync or async, so that each of its calls is guarded."""
        return decorator.decorate(self, fn)

    def __repr__(self) -> str:
        return f"<Breaker {self.name!r} {self.state.value}>"

    def _operate(self, mode: State | None, reason: Reason, *, note: str = "") -> None:
        with self._careful() as now:
            self._engine.operate(now, mode, reason, note=note)
            self._read_memory(now)


def _no_config() -> "ConfigReport | None":
    return None
