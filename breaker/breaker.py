"""The breaker: `allow()` before a call, `done()` after it, and all that can be asked of it.

`Breaker` inherits only the two methods of the fast path; `docs/architecture.md` shows its parts.
"""

import time
from collections.abc import Callable
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any

from breakerd.breaker.baseline.report import BaselineReport
from breakerd.breaker.baseline.report import report as describe_baseline
from breakerd.breaker.baseline.slo_estimate import estimate
from breakerd.breaker.calls.counters import Counters
from breakerd.breaker.context import Priority
from breakerd.breaker.drills import Drills
from breakerd.breaker.engine import operator_commands
from breakerd.breaker.engine.admission_conditions import OVERLOADED
from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.errors import BreakerOpenError
from breakerd.breaker.events.listeners import Listener, Listeners
from breakerd.breaker.events.stream import EventStream
from breakerd.breaker.guards import decorators
from breakerd.breaker.guards.decorators import P, R
from breakerd.breaker.guards.fast_guard import guard_class_for
from breakerd.breaker.guards.guard import NEW, Guard, make_guard
from breakerd.breaker.guards.options import CallOptions, Ignored, Timeout
from breakerd.breaker.host.load import LoadReading
from breakerd.breaker.host.memory import MemoryReading
from breakerd.breaker.runtime.controller import Controller
from breakerd.breaker.runtime.gate import FastPath, Gate
from breakerd.breaker.runtime.jitter import default_jitter
from breakerd.breaker.runtime.readings import Readings
from breakerd.breaker.runtime.status_types import ConfigReport, Status
from breakerd.breaker.runtime.ticker import TICKER
from breakerd.breaker.settings import Settings, Slo
from breakerd.breaker.states import REJECTING, Reason, State

if TYPE_CHECKING:
    from pathlib import Path


class Breaker(FastPath):
    """A circuit breaker for one kind of call. Safe under threads and in asyncio.

    Args:
        settings: thresholds and times.
        name: its name in metrics, events and alerts.
        clock: seconds as a float, never going back. With any other clock than `time.monotonic`
            nothing runs in the background: calls, and `tick`, let time pass.
        memory: returns the used share of the memory limit, 0 to 1, or None if unknown. Called on a
            timer, without a lock. By default reads the control group, else the host.
        load: returns the machine's load. By default reads the system; with another clock, nothing.
        externally_ticked: whoever drives the clock calls `tick` when due, so calls need not.
        jitter: returns random numbers from 0 to 1; waits are up to a tenth longer by them. By
            default `random.random`; with an injected clock 0, so that a run can be repeated.
    """

    # With a dictionary beside the slots, instances can be patched.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "_core",
        "_guard_class",
        "config_file",
        "config_report",
        "drills",
        "name",
    )

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        name: str = "default",
        clock: Callable[[], float] = time.monotonic,
        memory: Callable[[], float | None] | None = None,
        load: Callable[[], LoadReading] | None = None,
        externally_ticked: bool = False,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        gate, listeners = Gate(), Listeners()
        jitter = jitter or default_jitter(clock)
        engine = Engine(name, settings or Settings(), listeners.emit, clock(), jitter)
        core = Controller(gate, engine, Readings(memory, load, clock), listeners, clock)
        core.externally_ticked = externally_ticked
        super().__init__(gate, core, clock)
        self._core = core
        self.name = name
        self.drills = Drills(core)
        self.config_file: Path | None = None
        """TOML file that its settings come from, if any."""
        self.config_report: Callable[[], ConfigReport | None] = lambda: None
        """Returns what `status()` says of that file; set by whoever watches it."""
        self._guard_class = guard_class_for(self)
        if clock is time.monotonic:
            TICKER.add(core)

    @classmethod
    def from_file(cls, path: str | PathLike[str], *, name: str = "default") -> "Breaker":
        """Return the breaker `name` of a TOML file, which is watched and applied while it runs.

        Raises:
            ConfigError: the file is missing or wrong; holds every problem found.
        """
        # By name: a registry is made of breakers, and a static import would be a circle.
        registry = import_module("breakerd.breaker.registry")
        opened: Breaker = registry.open_breaker(path, name)
        return opened

    @property
    def settings(self) -> Settings:
        """Settings in force."""
        return self._core.engine.settings

    @property
    def state(self) -> State:
        """State that calls meet."""
        return self._core.engine.machine.state

    @property
    def triggered(self) -> bool:
        """True while calls are rejected: all, or all but probes and a share."""
        return self._core.engine.machine.state in REJECTING

    @property
    def enabled(self) -> bool:
        """False only under `DISABLED`."""
        return self._core.engine.machine.override is not State.DISABLED

    @property
    def memory_ok(self) -> bool:
        """True if memory use is below its threshold, or unknown."""
        return not self._core.engine.memory.breached

    @property
    def memory_utilization(self) -> float | None:
        """Used share of the memory limit at the last reading, from 0; None while unknown."""
        return self._core.engine.memory.utilization

    @property
    def latency_ok(self) -> bool:
        """True if the watched percentile is within its threshold, or calls are too few to judge."""
        with self._core.lock:
            window = self._core.current_window()
            return not self._core.engine.judge.latency.breached(window)

    @property
    def healthy(self) -> bool:
        """True if neither SLO, anomaly, overload nor load is breached; each needs its settings."""
        return not self._core.engine.breaches.any_reported

    @property
    def in_flight(self) -> int:
        """Number of calls allowed and not reported; 0 after `latency_max_age` idle seconds."""
        with self._core.lock:
            return self._core.recorder.in_flight

    @property
    def concurrency_limit(self) -> float:
        """Maximum number of calls in flight; infinite while there is no limit."""
        return self._core.engine.shedder.limit

    @property
    def retry_after(self) -> float:
        """Seconds until a rejected call may succeed; 0 where that is unknown."""
        return self._core.retry_after

    def latencies_above(self, threshold_ms: float) -> list[float]:
        """Return latencies in the window above `threshold_ms`, in milliseconds, oldest first."""
        with self._core.lock:
            durations = self._core.current_window().durations()
        return [ms for seconds in durations if (ms := seconds * 1000) > threshold_ms]

    def rejection(self) -> BreakerOpenError:
        """Return the error that tells a caller why it is rejected, and when to retry."""
        engine = self._core.engine
        limited = engine.conditions.rejects_for_limit
        reason = OVERLOADED if limited else engine.transitions.rejection_reason
        return BreakerOpenError(self.name, reason=reason, retry_after=self.retry_after)

    def memory_reading(self) -> MemoryReading | None:
        """Return memory use and limit in bytes; None if unknown, or if `memory` was given."""
        return self._core.readings.memory_reading()

    def status(self) -> Status:
        """Return all there is to know now, as JSON-able data; the body of `GET /status`."""
        from breakerd.breaker.runtime.status import describe  # only for those who ask

        core = self._core
        reading, config = core.readings.memory_reading(), self.config_report()
        with core.locked() as now:
            return describe(core.engine, core.recorder.counters(), now, reading, config)

    def counters(self) -> Counters:
        """Return the totals since the breaker was made."""
        with self._core.lock:
            self._core.recorder.flush(self.clock())
            return self._core.recorder.counters()

    def baseline(self) -> BaselineReport:
        """Return what was learnt of the calls on each time scale; also part of `status()`."""
        with self._core.locked() as now:
            return describe_baseline(self._core.engine.baseline, now)

    def estimate_slo(self) -> Slo | None:
        """Return the level really met, learnt over about a day; None without `slo`, or unknown."""
        with self._core.locked() as now:
            slo = self.settings.slo
            return estimate(self._core.engine.baseline, slo, now) if slo else None

    def snapshot(self) -> dict[str, Any]:
        """Return state, recovery and window as versioned, JSON-able data for `restore`."""
        from breakerd.breaker.persistence import snapshot as snapshots  # only for those who ask

        with self._core.locked() as now:
            return snapshots.take(self._core.engine, now)

    def reset(self) -> None:
        """Close, end drills, and clear the window. `DISABLED` and `OBSERVE` stay in force."""
        override = self._core.engine.machine.override
        self._set_override(None if override is State.FORCED_OPEN else override, Reason.RESET)

    def enable(self) -> None:
        """End the operator's override (`disable`, `force_open`, `observe`), and reset."""
        self._set_override(None, Reason.RESET)

    def disable(self) -> None:
        """Admit every call and decide nothing, until `enable`."""
        self._set_override(State.DISABLED, Reason.OPERATOR)

    def observe(self) -> None:
        """Decide and report, but reject nothing, until `enable`: shadow mode."""
        self._set_override(State.OBSERVE, Reason.OPERATOR)

    def force_open(self, reason: str = "") -> None:
        """Reject every call until `reset` or `enable`; `reason` is shown to those who ask."""
        self._set_override(State.FORCED_OPEN, Reason.OPERATOR, note=reason)

    def trip(self, reason: str = "manual", *, drill: bool = False) -> None:
        """Open as if a signal had tripped it; if open already, the wait starts anew.

        Raises:
            BreakerStateError: it is disabled, or forced open.
        """
        with self._core.locked() as now:
            note = "" if reason == "manual" else reason
            operator_commands.trip(self._core.engine, now, note=note, drill=drill)

    def apply(self, settings: Settings) -> None:
        """Apply new settings; state, newest calls and running waits are kept. In force at once."""
        self._core.apply(settings)

    def apply_slo(self, slo: Slo | None) -> None:
        """Apply another service level, or none, without a new warm-up; writes no file."""
        self.apply(self.settings.model_copy(update={"slo": slo}))

    def restore(self, data: dict[str, Any]) -> None:
        """Resume from a snapshot; the time since it was taken counts as passed.

        Raises:
            SnapshotError: the data is no snapshot of a known version; nothing is changed then.
        """
        from breakerd.breaker.persistence import snapshot as snapshots  # only for those who ask

        core = self._core
        with core.locked() as now:
            core.recorder.exclude(snapshots.restore(core.engine, now, data))

    def watch_loop(self) -> None:
        """Measure the lag of the running event loop, for `loop_lag_threshold`; the latest counts.

        Raises:
            RuntimeError: no asyncio loop is running in this thread.
        """
        self._core.readings.loop_lag.watch()

    def tick(self) -> float:
        """Let time pass on an injected clock; return seconds until the next tick is due."""
        return self._core.tick()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each `Event` from now on; return a function that ends that.

        It runs without locks on the thread that moved the breaker: be quick. Errors are logged.
        """
        return self._core.listeners.subscribe(listener)

    def events(self, maxsize: int = 1000) -> EventStream:
        """Return events from now on, for `async for`; a slow reader gets `EventsMissed`."""
        return EventStream(self.subscribe, maxsize, name=self.name)

    def close(self) -> None:
        """End its background work. It goes on deciding, driven by its calls."""
        self._core.close()

    # The arguments are to be named; that they need not be saves each call 20 ns.
    def guard(
        self,
        timeout: Timeout | None = None,
        priority: Priority | None = None,
        ignore: Ignored | None = None,
    ) -> Guard:
        """Return a context manager, sync and async, for one call; see `Guard` for what it raises.

        Methods patched on an instance are not seen: use `force_open` in tests.

        Args:
            timeout: seconds. `async with` cancels its body then; plain `with` passes the deadline
                down and counts a late result as an error. "slo": the stated service level's.
            priority: importance of the call, and of all that is called inside.
            ignore: exceptions that are an answer and not a failure.

        Raises:
            ValueError: `timeout` is not a finite number above 0.
        """
        if timeout is None and priority is None and ignore is None:
            # Called in one step, it would be looked up as if it were a method: 30 ns.
            guard_class = self._guard_class
            guard = guard_class()
            guard.breaker, guard._timeout, guard._phase = self, None, NEW  # noqa: SLF001 - in place of an `__init__`
            return guard
        return make_guard(self, timeout, priority, ignore)

    def guarded(
        self,
        *,
        timeout: Timeout | None = None,
        priority: Priority | None = None,
        ignore: Ignored = (),
    ) -> decorators.Decorator:
        """Return a decorator with the arguments of `guard`: `@breaker.guarded(timeout=0.8)`."""
        return decorators.Decorator(self, CallOptions(timeout, priority, ignore))

    # Not called from methods of their own, which would cost as much as the breaker.
    call = decorators.call
    call_async = decorators.call_async

    def __call__(self, fn: Callable[P, R]) -> Callable[P, R]:
        """Decorate a function, sync or async, so that each of its calls is guarded."""
        return decorators.decorate(self, fn)

    def __repr__(self) -> str:
        return f"<Breaker {self.name!r} {self.state.value}>"

    def _set_override(self, override: State | None, reason: Reason, *, note: str = "") -> None:
        with self._core.locked(self._core.readings.take(load=False)) as now:
            operator_commands.set_override(self._core.engine, now, override, reason, note=note)
