"""Decide what a breaker does, and when: calls and readings in, transitions and events out.

No lock, no thread and no clock of its own: `now` is passed in, in seconds of the breaker's clock,
and the caller holds the breaker's lock. So it can be driven by a simulated clock, replayed, and
tested by properties.
"""

from collections.abc import Callable
from functools import partial

from breakerd.breaker.baseline import Baseline
from breakerd.breaker.calls.outcome import CallOutcome
from breakerd.breaker.calls.totals import CallDelta, CallMeter
from breakerd.breaker.calls.window import SlidingWindow
from breakerd.breaker.context import current_priority
from breakerd.breaker.engine.admission_conditions import AdmissionConditions
from breakerd.breaker.engine.breaches import BreachTracker
from breakerd.breaker.engine.event_source import EventSource
from breakerd.breaker.engine.judge import Judge, window_settings
from breakerd.breaker.engine.load_shedder import CallCounts, LoadShedder
from breakerd.breaker.engine.overload import OverloadMonitor
from breakerd.breaker.engine.recovering.phases import RecoveryOutcome, RecoveryPhase
from breakerd.breaker.engine.state_machine import Change, StateMachine, learning_rate
from breakerd.breaker.engine.transitions import NO_REMARK, REASON_OF_SIGNAL, Remark, TransitionLog
from breakerd.breaker.events.events import (
    NO_EVIDENCE,
    Event,
    Evidence,
    RecoveryStep,
    SettingsChanged,
    Signal,
)
from breakerd.breaker.host.load import LoadReading
from breakerd.breaker.limiter import LimiterPhase
from breakerd.breaker.settings import Settings
from breakerd.breaker.signals.anomaly import AnomalySignal
from breakerd.breaker.signals.load import LoadSignal
from breakerd.breaker.signals.memory import MemorySignal
from breakerd.breaker.states import (
    CLOSED,
    DISABLED,
    FORCED_OPEN,
    HALF_OPEN,
    OBSERVE,
    OPEN,
    WARMING_UP,
    WATCHING,
    Reason,
)


class Engine:
    """Signals, window and state machine of one breaker.

    Args:
        name: name of the breaker, for its events.
        settings: thresholds and times.
        emit: takes each event; must not call back.
        now: start time.
        jitter: returns random numbers from 0 to 1, which spread the waits.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        emit: Callable[[Event], None],
        now: float,
        jitter: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.name = name
        self.settings = settings
        self.events = EventSource(name, emit)
        self.machine = StateMachine(settings, jitter)
        if settings.slo and settings.slo.warmup:
            self.machine.warm_up(now + settings.slo.warmup)
        self.window = SlidingWindow(*window_settings(settings))
        self.breaches = BreachTracker(self.machine, self.events)
        self.judge = Judge(settings, self.window, self.breaches)
        self.memory = MemorySignal(settings)
        self.load = LoadSignal(settings)
        self.anomaly = AnomalySignal()
        self.baseline = Baseline()
        self.shedder = LoadShedder(settings, now)
        self.would_reject = 0
        """Number of calls that were admitted only because of `OBSERVE`."""
        self.conditions = AdmissionConditions(self.machine, self.memory, self.load)
        self.transitions = TransitionLog(self.machine, self.events)
        self.overload = OverloadMonitor(self.breaches)
        self.meter: CallMeter | None = None
        """Takes the calls of each tick, for a fleet."""
        self._cache_settings()

    # --- calls

    def admit(self, now: float, traffic: CallCounts) -> bool:
        """Return True if one more call may proceed; takes a probe's place where there are few."""
        override = self.machine.override
        if override is FORCED_OPEN:
            return False
        if override is DISABLED:
            return True
        admitted = self._would_admit(now, traffic)
        if override is OBSERVE and not admitted:
            self.would_reject += 1
            return True
        return admitted

    def observe(
        self, now: float, start: float, end: float, traffic: CallCounts, outcome: CallOutcome
    ) -> bool:
        """Record a call that ended; return False if it counts for nothing.

        A call that began before the last transition belongs to an earlier generation, and an open
        breaker has admitted none. An abandoned call counts once it is slow.
        """
        if start < self.machine.generation_started_at or self.machine.decided is OPEN:
            return False
        seconds, abandoned = end - start, outcome is CallOutcome.ABANDONED
        error = outcome is CallOutcome.ERROR or seconds > self.judge.slo.timeout
        if abandoned and not error:
            self.shedder.withdraw(now, start)
        if abandoned and seconds <= self.slow_after:
            self.machine.recovery.release(start)
            return False
        self.window.add(end, seconds, error=error)
        self.window.expire(now)
        if end <= now:  # else it is made up, as by a drill, and tells nothing of overlap
            self.judge.record(start, end, error=error)
        significant = error and self.shedder.record_failure(now, start, end, traffic)
        if outcome is CallOutcome.SUCCESS and not error:
            self.shedder.record_success(start, traffic)
        if not self.machine.decides:
            return True
        if significant and self.conditions.admits_up_to_limit and self.shedder.streak:
            self._trip_on_streak(now, self.shedder.streak.length)
        else:
            self._judge_call(now, seconds, error=error)
        return True

    # --- readings

    def read_memory(self, now: float, utilization: float | None) -> None:
        """Take a reading of memory: the used share of the limit, or None if it is unknown."""
        memory = self.memory
        memory.read(utilization)
        self.breaches.update(now, Signal.MEMORY, memory.evidence, breached=memory.breached)
        if not (memory.breached and self.machine.decides):
            return
        watching = self.machine.recovery.phase is RecoveryPhase.MEMORY
        if not (self.conditions.gates_memory and watching):
            self.open(now, Reason.MEMORY, (memory.evidence(),))

    def read_load(self, now: float, reading: LoadReading, lag: float | None) -> None:
        """Take a reading of the machine's load, and the event loop's lag in seconds."""
        load = self.load
        load.read(reading, lag)
        self.shedder.system_overloaded = load.breached
        self.breaches.update(now, Signal.LOAD, load.evidence, breached=load.breached)
        if load.rejects and self.machine.decides:
            self.open(now, Reason.LOAD, (load.evidence(),))

    # --- time

    def update_baseline(self, now: float, delta: CallDelta, traffic: CallCounts) -> None:
        """Learn from the calls since the last tick."""
        if self.meter is not None:
            self.meter.add(now, delta, self.window)
        self.shedder.advance(now, delta, traffic, open_to_calls=self.conditions.admits_up_to_limit)
        self.judge.hang.advance(now, delta, traffic.admitted, self.shedder.limit)
        rate = learning_rate(self.machine, drill=self.events.drill, degraded=bool(self.breaches))
        complete = self.baseline.observe(now, delta, learning_rate=rate)
        if complete and self.settings.slo and self.machine.decided is CLOSED:
            self.anomaly.judge(now, self.baseline)

    def advance(self, now: float, traffic: CallCounts) -> None:
        """Bring about what time alone changes."""
        self.window.expire(now)
        machine = self.machine
        if not machine.decides:
            return
        self.apply_change(now, machine.end_warm_up(now, enough=self.baseline.confidence(now) >= 1))
        if self.conditions.admits_up_to_limit and (hung := self.shedder.hung_calls(now, traffic)):
            self._trip_on_streak(now, hung)
        if machine.decided in WATCHING:
            self._judge_window(now)
            self.overload.update(now, self.shedder, traffic)
        elif self.judge.hang.new_calls and self.conditions.admits_up_to_limit:
            self._judge_window(now)
        if machine.decided is CLOSED:
            found = partial(self.anomaly.evidence, self.baseline)
            unusual = self.settings.slo is not None and self.anomaly.breached
            self.breaches.update(now, Signal.ANOMALY, found, breached=unusual)
        self._end_wait(now)
        if machine.decided is HALF_OPEN:
            self._apply_outcome(now, self._recovered() or machine.recovery.tick(now))
        elif machine.decided is OPEN:
            machine.recovery.tick(now)

    # --- settings

    def apply(self, now: float, settings: Settings) -> bool:
        """Apply settings, keeping state and window; return False if they are the same."""
        before, self.settings = self.settings, settings
        changed = settings.changes_since(before)
        if not changed and before.stated == settings.stated:
            return False
        self.window.configure(*window_settings(settings))
        self.judge.configure(settings)
        self.memory.configure(settings)
        self.load.configure(settings)
        if any(name in changed for name in ("slo", "limiter", "latency_threshold")):
            self.shedder = LoadShedder(settings, now)
        self.machine.recovery.configure(settings)
        self._cache_settings()
        if changed:
            self.events.send(SettingsChanged, now, changed=changed)
        return True

    def _cache_settings(self) -> None:
        """Keep what every decision needs of the settings, which are slow to read."""
        self.slow_after = self.settings.slow_after
        """Seconds from which on a call is too slow; see `Settings.slow_after`."""
        self.useful_time = self.settings.useful_time
        """Seconds after which a result is of no use; see `Settings.useful_time`."""
        self.watches_hangs = self.settings.watches_latency
        self.conditions.configure(self.settings, self.shedder)

    # --- changes of state

    def open(
        self,
        now: float,
        reason: Reason,
        evidence: tuple[Evidence, ...] = NO_EVIDENCE,
        *,
        remark: Remark = NO_REMARK,
    ) -> None:
        """Trip for `reason`, unless it is open already; a manual trip then restarts the wait."""
        self.apply_change(now, self.machine.trip(now, reason), evidence, remark=remark)

    def apply_change(
        self,
        now: float,
        change: Change | None,
        evidence: tuple[Evidence, ...] = NO_EVIDENCE,
        *,
        remark: Remark = NO_REMARK,
    ) -> None:
        """Emit a change of state, if there is one, and do what goes with it."""
        if change is None:
            return
        self.judge.hang.begin_generation()
        if change.to_state in {OPEN, FORCED_OPEN}:
            self.shedder.on_open(now)
        if change.to_state is HALF_OPEN:
            self.window.clear()
        self.transitions.record(now, change, evidence, remark)
        if change.to_state is CLOSED:
            self.events.drill = self.memory.drill
            self._verdict(now)

    @property
    def must_check_each_call(self) -> bool:
        """True if the next call may trip, however good it is."""
        return self.shedder.streak_active or self.judge.next_call_may_trip

    def _would_admit(self, now: float, traffic: CallCounts) -> bool:
        if self.conditions.out_of_memory:
            return False
        self._end_wait(now)
        limited = self.conditions.admits_up_to_limit
        if limited and not self.shedder.admits(traffic, current_priority()):
            return False
        return self.machine.admit(now)

    def _end_wait(self, now: float) -> None:
        """End the wait of an open breaker, if it is over."""
        machine = self.machine
        if not machine.decides or machine.decided is not OPEN:
            return
        if self.conditions.gates_memory and machine.reason is Reason.MEMORY:
            if not self.memory.above_threshold:
                self.apply_change(now, machine.watch_memory(now))
        elif not self.conditions.probes_blocked:
            self.apply_change(now, machine.start_half_open(now))

    def _judge_call(self, now: float, seconds: float, *, error: bool) -> None:
        machine = self.machine
        if machine.decided is HALF_OPEN and machine.recovery.phase is RecoveryPhase.PROBES:
            self._judge_probe(now, seconds, error=error)
        else:
            self._judge_window(now)

    def _judge_probe(self, now: float, seconds: float, *, error: bool) -> None:
        good = not error and seconds <= self.slow_after
        evidence = NO_EVIDENCE
        if not good:
            evidence = (self.judge.probe_evidence(seconds, error=error),)
            # A probe that fails is no drill any more: real calls do not go well.
            self.events.drill = self.events.drill and self.memory.drill
        self._apply_outcome(now, self.machine.recovery.report(now, good=good), evidence)

    def _judge_window(self, now: float) -> None:
        if verdict := self._verdict(now):
            self._fall_back(now, REASON_OF_SIGNAL[verdict[0].signal], verdict)

    def _verdict(self, now: float) -> tuple[Evidence, ...]:
        if self.machine.decided is WARMING_UP:
            return NO_EVIDENCE
        return self.judge.verdict(now, self.baseline)

    def _trip_on_streak(self, now: float, failures: int) -> None:
        evidence = (self.judge.slo.streak_evidence(failures),)
        self.breaches.update(now, Signal.SLO, lambda: evidence[0], breached=True)
        self._fall_back(now, Reason.FAILURE_STREAK, evidence)

    def _fall_back(self, now: float, reason: Reason, evidence: tuple[Evidence, ...]) -> None:
        """Open, or take the recovery a step back."""
        if self.machine.decided in WATCHING:
            self.open(now, reason, evidence)
        else:
            self._apply_outcome(now, self.machine.recovery.step_back(now), evidence)

    def _recovered(self) -> RecoveryOutcome | None:
        """Return the outcome of a recovery that no step of a ramp ends; None if it is not over."""
        recovery, limiter = self.machine.recovery, self.shedder.limiter
        enough_memory = recovery.phase is RecoveryPhase.MEMORY and not self.memory.breached
        ramped = recovery.phase is RecoveryPhase.RAMP and recovery.led_by_limiter
        ramped = ramped and limiter is not None and limiter.phase is not LimiterPhase.SLOW_START
        return RecoveryOutcome.RECOVERED if enough_memory or ramped else None

    def _apply_outcome(
        self, now: float, outcome: RecoveryOutcome, evidence: tuple[Evidence, ...] = NO_EVIDENCE
    ) -> None:
        if outcome is RecoveryOutcome.UNCHANGED:
            return
        self.apply_change(now, self.machine.settle(now, outcome), evidence)
        forward = outcome is RecoveryOutcome.STEP_FORWARD
        back = outcome is RecoveryOutcome.STEP_BACK
        if back:
            self.shedder.forget_failures(now)
            self.judge.hang.begin_generation()
        if back or (forward and self.machine.recovery.begins_ramp):
            self.window.clear()
        if forward and self.machine.recovery.led_by_limiter:
            self.shedder.start_slow(self.machine.recovery.backoff.first_share)
        if back or forward:
            share = self.machine.recovery.share
            self.events.send(RecoveryStep, now, share=share, forward=forward, evidence=evidence)
