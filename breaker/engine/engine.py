"""What a breaker decides, and when: signals in, transitions and events out.

No lock, no thread and no clock of its own: `now` is passed in, in seconds of the breaker's clock,
and whoever calls holds the breaker's lock. So it can be driven by a simulated clock, replayed, and
tested by properties.
"""

import math
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from breakerd.breaker.baseline import Baseline
from breakerd.breaker.calls.totals import CallDelta
from breakerd.breaker.calls.window import SlidingWindow
from breakerd.breaker.context import current_priority
from breakerd.breaker.engine.load_shedder import CallCounts, LoadShedder
from breakerd.breaker.engine.recovery import RecoveryOutcome, RecoveryPhase
from breakerd.breaker.errors import BreakerStateError
from breakerd.breaker.events.events import (
    NO_EVIDENCE,
    Event,
    Evidence,
    RecoveryStep,
    SettingsChanged,
    ShadowTransition,
    Signal,
    ThresholdBreached,
    ThresholdCleared,
    Transition,
)
from breakerd.breaker.host.load import LoadReading
from breakerd.breaker.limiter import LimiterPhase
from breakerd.breaker.settings import Settings
from breakerd.breaker.signals.anomaly import AnomalySignal
from breakerd.breaker.signals.burn_rate import BurnRateSignal
from breakerd.breaker.signals.error_rate import ErrorRateSignal
from breakerd.breaker.signals.latency import LatencySignal
from breakerd.breaker.signals.load import LoadSignal
from breakerd.breaker.signals.memory import MemorySignal
from breakerd.breaker.signals.service_level import SloSignal
from breakerd.breaker.states import (
    CLOSED,
    DISABLED,
    FORCED_OPEN,
    HALF_OPEN,
    OBSERVE,
    OPEN,
    REJECTING,
    WARMING_UP,
    WATCHING,
    Change,
    Reason,
    State,
    StateMachine,
)

_REASON_OF_SIGNAL: Final = {
    Signal.LATENCY: Reason.LATENCY,
    Signal.ERRORS: Reason.ERRORS,
    Signal.SLO: Reason.FAILURE_STREAK,
}
_LIMITED_PHASES: Final = frozenset({RecoveryPhase.RAMP, RecoveryPhase.MEMORY})
"""The phases of a recovery in which a concurrency limit counts."""
_DEGRADED_LEARNING_RATE: Final = 0.1
"""How fast the baseline learns what is normal over a day while things are not."""


class Engine:
    """The signals, the window and the state machine of one breaker, joined.

    Args:
        name: the breaker's name, for its events.
        settings: thresholds and times.
        emit: takes each event; must not call back.
        now: when it begins.
    """

    def __init__(
        self, name: str, settings: Settings, emit: Callable[[Event], None], now: float
    ) -> None:
        self.name = name
        self.settings = settings
        self._read_settings(settings)
        self.machine = StateMachine(settings)
        self.memory = MemorySignal(settings)
        self.load = LoadSignal(settings)
        self.latency = LatencySignal(settings)
        self.errors = ErrorRateSignal(settings)
        self.slo = SloSignal(settings)
        self.burn = BurnRateSignal(settings)
        self.anomaly = AnomalySignal()
        self.baseline = Baseline()
        self.shedding = LoadShedder(settings, now)
        self.machine.recovery.limiter_enabled = settings.limiter.enabled
        if settings.slo and settings.slo.warmup:
            self.machine.warm_up(now + settings.slo.warmup)
        self.window = SlidingWindow(*_window_settings(settings))
        self.evidence: tuple[Evidence, ...] = NO_EVIDENCE
        """What the last trip was based on."""
        self.note = ""
        """What the operator said about the last trip."""
        self.trip_reason = Reason.MANUAL
        self.last_trip: float | None = None
        """Wall-clock time of the last trip, in seconds since the epoch."""
        self.drill = False
        self.transitions: Counter[tuple[str, str, str]] = Counter()
        self.would_reject = 0
        self._breached: dict[Signal, Evidence] = {}
        self._rejected_before = 0
        self._emit = emit

    # --- calls

    def admit(self, now: float, traffic: CallCounts) -> bool:
        """Whether one more call may go; takes a probe's place where there are few."""
        mode = self.machine.override
        if mode is FORCED_OPEN:
            return False
        if mode is DISABLED:
            return True
        admitted = self._would_admit(now, traffic)
        if mode is OBSERVE and not admitted:
            self.would_reject += 1
            return True
        return admitted

    def observe(
        self, now: float, start: float, end: float, traffic: CallCounts, *, error: bool
    ) -> bool:
        """Takes in a call that ended; False if it counts for nothing.

        A call that began before the last transition belongs to an earlier generation, and an open
        breaker has let none in.
        """
        if start < self.machine.generation_started_at or self.machine.decided is OPEN:
            return False
        seconds = end - start
        error = error or seconds > self.slo.timeout
        self.window.expire(now)
        self.window.add(end, seconds, error=error)
        hopeless = error and self.shedding.record_failure(now, start, end, traffic)
        if not error:
            self.shedding.record_success(start, traffic)
        if not self.machine.decides:
            return True
        if hopeless and self._admits_up_to_limit and self.shedding.streak:
            self._trip_on_streak(now, self.shedding.streak.failures)
        else:
            self._judge_call(now, seconds, error=error)
        return True

    # --- time

    def read_memory(self, now: float, share: float | None) -> None:
        """Takes a reading of memory: the used share of the limit, or None if it is unknown."""
        changed = self.memory.read(share)
        evidence = self.memory.evidence()
        if changed:
            self._update_breach(now, Signal.MEMORY, evidence if self.memory.breached else None)
        if not (self.memory.breached and self.machine.decides):
            return
        if not (self._gates_memory and self.machine.recovery.phase is RecoveryPhase.MEMORY):
            self._trip(now, Reason.MEMORY, (evidence,))

    def read_load(self, now: float, reading: LoadReading, lag: float | None) -> None:
        """Takes a reading of the machine's load, and the event loop's lag in seconds."""
        changed = self.load.read(reading, lag)
        self.shedding.system_overloaded = self.load.breached
        evidence = self.load.evidence()
        if changed:
            self._update_breach(now, Signal.LOAD, evidence if self.load.breached else None)
        if self.load.rejects and self.machine.decides:
            self._trip(now, Reason.LOAD, (evidence,))

    def update_baseline(self, now: float, batch: CallDelta, traffic: CallCounts) -> None:
        """Takes what calls did since the last tick into the baseline, and judges by it."""
        self.shedding.advance(now, batch, traffic, open_to_calls=self._admits_up_to_limit)
        complete = self.baseline.observe(now, batch, learning_rate=self._learning_speed())
        if complete and self.settings.slo and self.machine.decided is CLOSED:
            self.anomaly.judge(now, self.baseline)

    def advance(self, now: float, traffic: CallCounts) -> None:
        """Everything that time alone brings about."""
        self.window.expire(now)
        machine = self.machine
        if not machine.decides:
            return
        self._apply_change(now, machine.end_warm_up(now, enough=self.baseline.confidence(now) >= 1))
        if self._admits_up_to_limit and (hanging := self.shedding.hung_calls(now, traffic)):
            self._trip_on_streak(now, hanging)
        if machine.decided in WATCHING:
            self._judge_window(now)
            self._update_overload(now, traffic)
        if machine.decided is CLOSED:
            anomaly = self.anomaly.evidence() if self.settings.slo else None
            self._update_breach(now, Signal.ANOMALY, anomaly)
        self._end_wait(now)
        if machine.decided is HALF_OPEN:
            self._apply_outcome(now, self._recovered() or machine.recovery.tick(now))
        elif machine.decided is OPEN:
            machine.recovery.tick(now)

    # --- what an operator wants

    def operate(self, now: float, mode: State | None, reason: Reason, *, note: str = "") -> None:
        """Starts afresh under `mode`; None for the breaker's own decisions."""
        self.memory.drill = False
        if mode is not FORCED_OPEN:
            self.window.clear()
        by_mode = self.machine.set_mode(now, mode, reason)
        # What was decided before is not to come back when the mode ends.
        by_reset = self.machine.close(now, reason)
        self._apply_change(now, by_mode or by_reset, note=note)
        self.drill = False

    def trip(self, now: float, *, note: str = "", drill: bool = False) -> None:
        """Opens as if a signal had said so; open already, the wait begins anew.

        Raises:
            BreakerStateError: an operator's mode is in force that decides instead.
        """
        self._require_automatic("trip")
        self.drill = self.drill or drill
        self._trip(now, Reason.MANUAL, note=note)

    def drill_latency(self, now: float, traffic: CallCounts) -> int:
        """Takes in calls of twice what is too slow until it trips; returns how many.

        Raises:
            BreakerStateError: it is not closed, so that nothing would be shown.
        """
        self._require_automatic("drill")
        if self.machine.decided is not CLOSED:
            raise BreakerStateError(
                f"breaker {self.name!r} is {self.machine.state}; a latency drill needs it closed"
            )
        before, generation = self.window.total, self.machine.generation
        self.drill = True
        for _ in range(self.window.size):
            late = now + 2 * self.settings.slow_after
            self.observe(now, now, late, traffic, error=False)
            if self.machine.generation != generation:
                break
        else:
            self.drill = False
        return self.window.total - before

    def drill_memory(self, now: float) -> None:
        """Pretends that all memory is used, until `end_memory_drill` or a reset.

        Raises:
            BreakerStateError: an operator's mode is in force, so that nothing would be shown.
        """
        self._require_automatic("drill")
        self.drill = self.memory.drill = True
        self.read_memory(now, None)

    def end_memory_drill(self) -> None:
        """Lets the next reading count again."""
        self.memory.drill = False

    def apply(self, now: float, settings: Settings) -> bool:
        """Puts settings in force, keeping state and window; False if they are the same."""
        before, self.settings = self.settings, settings
        changed = {
            field: (getattr(before, field), getattr(settings, field))
            for field in type(settings).model_fields
            if getattr(before, field) != getattr(settings, field)
        }
        if not changed:
            return False
        self._read_settings(settings)
        self.latency = LatencySignal(settings)
        self.errors = ErrorRateSignal(settings)
        self.slo = SloSignal(settings)
        self.burn = BurnRateSignal(settings)
        self.memory.configure(settings)
        self.load.configure(settings)
        if any(name in changed for name in ("slo", "limiter", "latency_threshold")):
            self.shedding = LoadShedder(settings, now)
        self.machine.recovery.limiter_enabled = settings.limiter.enabled
        self.machine.recovery.configure(settings)
        self.window.configure(*_window_settings(settings))
        self._emit_event(SettingsChanged, now, changed=changed)
        return True

    def resume_baseline(self, now: float, baseline: Baseline) -> None:
        """Goes on with what an earlier process learnt; the surer it is, the less to warm up."""
        self.baseline = baseline
        slo = self.settings.slo
        if slo and self.machine.decided is WARMING_UP:
            self.machine.warm_up_until = now + slo.warmup * (1 - baseline.confidence(now))

    def resume(self, now: float, automatic: State, mode: State | None, wait: float) -> None:
        """Goes to where an earlier process was, with `wait` seconds before probes may go."""
        self.window.clear()
        change = self.machine.resume(now, automatic, mode, wait)
        self._apply_change(now, change)

    def _read_settings(self, settings: Settings) -> None:
        """What every decision needs of the settings, which are slow to ask."""
        self.slow_after = settings.slow_after
        """Seconds from which on a call is too slow; see `Settings.slow_after`."""
        self.useful_time = settings.useful_time
        """Seconds after which an answer is of no use; see `Settings.useful_time`."""
        self._adaptive = settings.recovers_adaptively

    # --- decisions

    def breach(self, signal: Signal) -> Evidence | None:
        """What was told when `signal` crossed its threshold; None if it is within it."""
        return self._breached.get(signal)

    @property
    def must_check_each_call(self) -> bool:
        """Whether the next call may trip, however good it is: the window is about to be enough."""
        streak = self.shedding.streak
        if streak and streak.active:
            return True
        enough = max(self.latency.min_calls, self.errors.min_calls)
        return len(self.window) < enough and (
            self.window.slow_count > 0 or self.window.failure_count > 0
        )

    @property
    def may_reject_while_closed(self) -> bool:
        """Whether calls may be turned away while closed: for a limit, or for the lack of memory."""
        return self.shedding.limiting or self.checks_memory_per_call

    @property
    def checks_memory_per_call(self) -> bool:
        """Whether each call must be looked at, since memory is nearly short."""
        return self._gates_memory and self.memory.near_threshold

    @property
    def rejects_for_limit(self) -> bool:
        """Whether a call turned away now is so for the limit, and not for the state."""
        return self.shedding.limiting and self.machine.decided in WATCHING

    @property
    def probes_blocked(self) -> bool:
        """Whether memory is too short, or the load too high, to let even a probe go."""
        return self.memory.breached or self.load.rejects

    @property
    def _gates_memory(self) -> bool:
        """Whether memory holds back calls one by one, and not for a stated wait."""
        return self._adaptive and self.machine.decides

    @property
    def _admits_up_to_limit(self) -> bool:
        """Whether calls go as far as a limit lets them."""
        machine = self.machine
        if machine.decided in WATCHING:
            return True
        return machine.decided is HALF_OPEN and machine.recovery.phase in _LIMITED_PHASES

    def _would_admit(self, now: float, traffic: CallCounts) -> bool:
        if self._gates_memory and self.memory.above_threshold:
            return False
        self._end_wait(now)
        limited = self._admits_up_to_limit
        if limited and not self.shedding.admits(traffic, current_priority()):
            return False
        return self.machine.would_admit(now)

    def _end_wait(self, now: float) -> None:
        """Ends the wait of an open breaker, if it is over."""
        machine = self.machine
        if not machine.decides or machine.decided is not OPEN:
            return
        if self._gates_memory and machine.reason is Reason.MEMORY:
            if not self.memory.above_threshold:
                self._apply_change(now, machine.watch_memory(now))
        elif not self.probes_blocked:
            self._apply_change(now, machine.probe(now))

    def _recovered(self) -> RecoveryOutcome | None:
        """Whether the recovery is over where no step of a ramp says so; None if it is not."""
        recovery, limiter = self.machine.recovery, self.shedding.limiter
        enough_memory = recovery.phase is RecoveryPhase.MEMORY and not self.memory.breached
        started = limiter is not None and limiter.phase is not LimiterPhase.SLOW_START
        limited = recovery.phase is RecoveryPhase.RAMP and recovery.led_by_limiter
        return RecoveryOutcome.RECOVERED if enough_memory or (limited and started) else None

    def _trip_on_streak(self, now: float, failures: int) -> None:
        """It is hopeless: rejecting costs next to nothing, and spares everybody."""
        evidence = (self.slo.streak_evidence(failures),)
        self._update_breach(now, Signal.SLO, evidence[0])
        if self.machine.decided in WATCHING:
            self._trip(now, Reason.FAILURE_STREAK, evidence)
        else:
            self._apply_outcome(now, self.machine.recovery.fail(), evidence)

    def _update_overload(self, now: float, traffic: CallCounts) -> None:
        limiter = self.shedding.limiter
        if limiter is None:
            return
        told = Signal.OVERLOAD in self._breached
        if not self.shedding.overloaded:
            self._update_breach(now, Signal.OVERLOAD, None)
        elif not told and self.shedding.rejected > self._rejected_before:
            self._update_breach(now, Signal.OVERLOAD, _overload(self.shedding.limit, traffic))
        self._rejected_before = self.shedding.rejected

    def _judge_call(self, now: float, seconds: float, *, error: bool) -> None:
        recovery = self.machine.recovery
        if self.machine.decided in WATCHING:
            self._judge_window(now)
        elif recovery.phase is RecoveryPhase.PROBES:
            good = not error and seconds <= self.settings.slow_after
            evidence = NO_EVIDENCE if good else (self._probe_evidence(seconds, error=error),)
            # A probe that fails is no drill any more: real calls do not go well.
            self.drill = self.drill and (good or self.memory.drill)
            self._apply_outcome(now, recovery.report(now, good=good), evidence)
        elif verdict := self._verdict(now):
            self._apply_outcome(now, recovery.step_back(now), verdict)

    def _judge_window(self, now: float) -> None:
        if verdict := self._verdict(now):
            self._trip(now, _REASON_OF_SIGNAL[verdict[0].signal], verdict)

    def _verdict(self, now: float) -> tuple[Evidence, ...]:
        """What in the window speaks for opening; tells of breaches on the way."""
        if self.machine.decided is WARMING_UP:
            return NO_EVIDENCE
        if self.settings.slo is not None or self._breached:
            self._judge_service_level(now)
        found: list[Evidence] = []
        slow = self.latency.breached(self.window)
        trips = slow and self.latency.trips(self.window)
        # Evidence costs a sort: it is gathered when it is told, not at every slow call.
        if trips or (slow and Signal.LATENCY not in self._breached):
            evidence = self.latency.evidence(self.window)
            self._update_breach(now, Signal.LATENCY, evidence)
            found += [evidence] * trips
        elif not slow:
            self._update_breach(now, Signal.LATENCY, None)
        failing = self.errors.breached(self.window)
        evidence_of_errors = self.errors.evidence(self.window) if failing else None
        self._update_breach(now, Signal.ERRORS, evidence_of_errors)
        if evidence_of_errors:
            found.append(evidence_of_errors)
        return tuple(found)

    def _judge_service_level(self, now: float) -> None:
        """The stated service level: missing it is told, and rejects nothing."""
        missed = self.burn.breached(self.baseline)
        told = self._breached.get(Signal.SLO)
        self._update_breach(
            now, Signal.SLO, (told or self.burn.evidence(self.baseline)) if missed else None
        )

    def _update_breach(self, now: float, signal: Signal, evidence: Evidence | None) -> None:
        """Tells when a signal crosses its threshold; None when it is within it (again)."""
        if evidence is None:
            if signal not in self._breached:
                return
            # A window emptied by the trip itself does not mean that latency is good again.
            settled = signal in {Signal.MEMORY, Signal.LOAD} or self.machine.decided is CLOSED
            if settled and (before := self._breached.pop(signal, None)):
                self._emit_event(ThresholdCleared, now, signal=signal, evidence=before)
        elif signal not in self._breached:
            self._breached[signal] = evidence
            self._emit_event(ThresholdBreached, now, signal=signal, evidence=evidence)

    def _learning_speed(self) -> float:
        """An outage is not to become the normal: none of it while calls are rejected."""
        machine = self.machine
        if self.drill or machine.state in REJECTING or machine.decided in REJECTING:
            return 0.0
        return 1.0 if machine.decides and not self._breached else _DEGRADED_LEARNING_RATE

    def _probe_evidence(self, seconds: float, *, error: bool) -> Evidence:
        if error and seconds <= self.slo.timeout:
            limit = self.settings.error_threshold or 0.0
            return Evidence(
                signal=Signal.ERRORS, value=1.0, threshold=limit, unit="fraction", samples=1
            )
        return Evidence(
            signal=Signal.LATENCY,
            value=round(seconds * 1000, 3),
            threshold=round(self.settings.slow_after * 1000, 3),
            unit="ms",
            samples=1,
            detail={"percentile_name": "probe"},
        )

    def _trip(
        self,
        now: float,
        reason: Reason,
        evidence: tuple[Evidence, ...] = NO_EVIDENCE,
        *,
        note: str = "",
    ) -> None:
        own = reason in {Reason.FAILURE_STREAK, Reason.MEMORY, Reason.LOAD}
        adaptive = own and self.settings.recovers_adaptively
        self._apply_change(
            now, self.machine.trip(now, reason, adaptive=adaptive), evidence, note=note
        )

    def _apply_outcome(
        self, now: float, outcome: RecoveryOutcome, evidence: tuple[Evidence, ...] = NO_EVIDENCE
    ) -> None:
        """Carries out what the recovery said."""
        if outcome is RecoveryOutcome.UNCHANGED:
            return
        self._apply_change(now, self.machine.settle(now, outcome), evidence)
        if outcome is RecoveryOutcome.STEP_BACK:
            self.window.clear()
        if outcome is RecoveryOutcome.STEP_FORWARD and self.machine.recovery.led_by_limiter:
            self.shedding.start_slow()
        if outcome in {RecoveryOutcome.STEP_FORWARD, RecoveryOutcome.STEP_BACK}:
            share, forward = self.machine.recovery.share, outcome is RecoveryOutcome.STEP_FORWARD
            self._emit_event(RecoveryStep, now, share=share, forward=forward, evidence=evidence)

    def _apply_change(
        self,
        now: float,
        change: Change | None,
        evidence: tuple[Evidence, ...] = NO_EVIDENCE,
        *,
        note: str = "",
    ) -> None:
        """Tells of a change of state, if there is one, and does what goes with it."""
        if change is None:
            return
        if change.to_state in {OPEN, FORCED_OPEN}:
            self.last_trip, self.trip_reason = time.time(), change.reason
            self.evidence, self.note = evidence, note
            self.shedding.on_open(now)
        if change.to_state is HALF_OPEN:
            self.window.clear()
        deadline = self.machine.deadline
        self._emit_event(
            ShadowTransition if change.observed else Transition,
            now,
            from_state=change.from_state,
            to_state=change.to_state,
            reason=change.reason,
            evidence=evidence,
            note=note,
            retry_in=max(0.0, deadline - now) if math.isfinite(deadline) else None,
            generation=self.machine.generation,
        )
        if not change.observed:
            self.transitions[change.from_state, change.to_state, change.reason] += 1
        if change.to_state is CLOSED:
            self.drill = self.memory.drill
            self._verdict(now)

    def _require_automatic(self, action: str) -> None:
        if not self.machine.decides:
            state = self.machine.state
            raise BreakerStateError(
                f"cannot {action} breaker {self.name!r}: it is {state}; enable it first"
            )

    def _emit_event(self, kind: type[Event], now: float, **fields: Any) -> None:
        self._emit(
            kind(breaker=self.name, at=time.time(), monotonic=now, drill=self.drill, **fields)
        )


def _overload(limit: float, traffic: CallCounts) -> Evidence:
    return Evidence(
        signal=Signal.OVERLOAD,
        value=float(traffic.in_flight),
        threshold=round(limit, 1),
        unit="calls",
    )


def _window_settings(settings: Settings) -> tuple[int, float, float, float]:
    return (
        settings.latency_window_size,
        settings.latency_max_age,
        settings.percentile,
        settings.latency_threshold / 1000,
    )
