"""Read-only side of a breaker: its state, figures and health. Nothing here changes it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from breakerd.breaker.baseline.report import BaselineReport
from breakerd.breaker.baseline.report import report as describe_baseline
from breakerd.breaker.baseline.slo_estimate import estimate
from breakerd.breaker.calls.counters import Counters
from breakerd.breaker.engine.admission_conditions import OVERLOADED
from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.errors import BreakerOpenError
from breakerd.breaker.history.history import History, read, unpack_all
from breakerd.breaker.history.slot import HistorySlot, merge_slots
from breakerd.breaker.host.memory import MemoryReading
from breakerd.breaker.runtime.controller import Controller
from breakerd.breaker.runtime.gate import FastPath, Gate
from breakerd.breaker.runtime.status_types import ConfigReport, Status
from breakerd.breaker.settings import Settings, Slo
from breakerd.breaker.shadow.report import ShadowReport
from breakerd.breaker.states import REJECTING, State


class BreakerView(FastPath):
    """The part of a breaker that answers questions, beside the fast path. Thread-safe."""

    __slots__ = ("_core", "config_report", "name", "not_running")

    def __init__(self, name: str, gate: Gate, core: Controller, clock: Callable[[], float]) -> None:
        super().__init__(gate, core, clock)
        self._core = core
        self.name = name
        self.config_report: Callable[[], ConfigReport | None] = lambda: None
        """Returns what `status()` says of the file of its settings; set by whoever watches it."""
        self.not_running: Callable[[], dict[str, str]] = dict
        """Returns what `status()` says of parts that do not run; set by whoever runs them."""

    @property
    def settings(self) -> Settings:
        """Settings in force."""
        return self._core.engine.settings

    @property
    def state(self) -> State:
        """State that calls meet."""
        return self._engine.machine.state

    @property
    def would_be_state(self) -> State | None:
        """State that would be in force without `OBSERVE`; None unless it is in force."""
        machine = self._engine.machine
        return machine.decided if machine.override is State.OBSERVE else None

    @property
    def triggered(self) -> bool:
        """True while calls are rejected: all, or all but probes and a share."""
        return self._engine.machine.state in REJECTING

    @property
    def enabled(self) -> bool:
        """False only under `DISABLED`."""
        return self._core.engine.machine.override is not State.DISABLED

    @property
    def memory_ok(self) -> bool:
        """True if memory use is below its threshold, or unknown."""
        return not self._engine.memory.breached

    @property
    def memory_utilization(self) -> float | None:
        """Used share of the memory limit at the last reading, from 0; None while unknown."""
        return self._engine.memory.utilization

    @property
    def latency_ok(self) -> bool:
        """True if the watched percentile is within its threshold, or calls are too few to judge.

        Calls in flight for longer than it count while no call is answered in time.
        """
        self._core.look()
        with self._core.lock:
            self._core.current_window()
            return self._core.engine.judge.latency_ok

    @property
    def healthy(self) -> bool:
        """True if neither SLO, anomaly, overload nor load is breached; each needs its settings."""
        return not self._engine.breaches.any_reported

    @property
    def in_flight(self) -> int:
        """Number of calls allowed and not reported; 0 after `latency_max_age` idle seconds.

        Or three times the latency threshold or the time-out, if that is longer.
        """
        self._core.look()
        with self._core.lock:
            return self._core.recorder.in_flight

    @property
    def concurrency_limit(self) -> float:
        """Maximum number of calls in flight; infinite while there is no limit."""
        return self._engine.shedder.limit

    @property
    def retry_after(self) -> float:
        """Seconds until a rejected call may succeed; 0 where that is unknown."""
        return self._core.retry_after

    def latencies_above(self, threshold_ms: float) -> list[float]:
        """Return latencies in the window above `threshold_ms`, in milliseconds, oldest first."""
        self._core.look()
        with self._core.lock:
            durations = self._core.current_window().durations()
        return [seconds * 1000 for seconds in durations if seconds * 1000 > threshold_ms]

    def rejection(self) -> BreakerOpenError:
        """Return the error that tells a caller why it is rejected, and when to retry."""
        engine = self._engine
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
        core.look()
        reading, config = core.readings.memory_reading(), self.config_report()
        missing = self.not_running()
        with core.locked() as now:
            found = describe(core.engine, core.recorder.counters(), now, reading, config, missing)
            found["shadow"] = self._shadow()
            return found

    def shadow(self) -> ShadowReport | None:
        """Return what the candidate would have done so far; None without one.

        Of all processes of the host, where these share a file of figures, else of this one.
        """
        self._core.look()
        with self._core.locked():
            return self._shadow()

    def _shadow(self) -> ShadowReport | None:
        shadow = self._core.recorder.shadow
        if shadow is None:
            return None
        from breakerd.breaker.shadow.following import report_shadow  # only where there is one

        return report_shadow(shadow)

    def counters(self) -> Counters:
        """Return the totals since the breaker was made."""
        self._core.look()
        with self._core.lock:
            self._core.recorder.flush(self.clock())
            return self._core.recorder.counters()

    def baseline(self) -> BaselineReport:
        """Return what was learnt of the calls on each time scale; also part of `status()`."""
        self._core.look()
        with self._core.locked() as now:
            return describe_baseline(self._core.engine.baseline, now)

    def estimate_slo(self) -> Slo | None:
        """Return the service level that is really met, learnt over about a day; see `apply_slo`.

        None without a stated `slo`, and until enough is known.
        """
        self._core.look()
        with self._core.locked() as now:
            slo = self.settings.slo
            return estimate(self._core.engine.baseline, slo, now) if slo else None

    def history(
        self,
        since: float | None = None,
        until: float | None = None,
        step: float | None = None,
    ) -> list[HistorySlot]:
        """Return what its calls in this process did, in slots of time, oldest first.

        The last 15 minutes are kept in slots of a second, and the last hour in slots of ten; what
        a second holds is not told apart. Where nothing happened, there is no slot. A copy: nothing
        changes it later.

        Args:
            since: Unix time in seconds from which on slots are wanted; None: all of them.
            until: Unix time before which they are wanted; None: up to now.
            step: Seconds to sum them up to; None: as they are kept. Slots that are longer stay so.

        Raises:
            ValueError: `step` is not a whole number of seconds, from 1 on.
        """
        if step is not None and not (step >= 1 and float(step).is_integer()):
            raise ValueError(f"history() got step={step}; allowed: whole seconds from 1 on")
        with self._history() as (history, now):
            taken = history.take(now)
        slots = read(taken, since, until)
        return slots if step is None else merge_slots(slots, width=step)

    def slots_since(self, mark: int = 0) -> tuple[list[HistorySlot], int]:
        """Return the finished slots of ten seconds since a mark, and the mark for the next time.

        For whoever stores them: none comes twice, and none is missed within an hour, whether calls
        arrive or not. Marks count the slots. Where the host's clock was set back, two slots have
        the same time; they are to be added.
        """
        with self._history() as (history, now):
            packed, after = history.finished_since(mark, now)
        return unpack_all(packed), after

    @contextmanager
    def _history(self) -> Iterator[tuple[History, float]]:
        """Hold the lock with all logged calls recorded, and yield the history and the time."""
        core = self._core
        core.look()
        with core.lock:
            now = self.clock()
            core.recorder.flush(now)
            yield core.recorder.history, now

    @property
    def _engine(self) -> Engine:
        """Engine, after the time has passed that nobody else lets pass."""
        core = self._core
        if core.dormant:
            core.look()
        return core.engine
