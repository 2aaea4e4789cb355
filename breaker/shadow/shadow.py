"""Run a candidate in the shadow of the settings in force: the same calls, a second engine.

The second engine gets what the first one gets, at the same moments and in the same order, under
`OBSERVE`. So a candidate that is equal to the settings in force decides as they do. What the first
one takes in as a batch, because each call was quick and good, the second one takes in as a batch
too, unless a call in it is too slow for the candidate.

Calls that the settings in force reject never begin: nobody knows how they would have ended. They
are counted, and neither for nor against the candidate.
"""

import time
from bisect import bisect_left
from collections import deque
from typing import TYPE_CHECKING, Final

from breakerd.breaker.calls.outcome import CallOutcome, least_end
from breakerd.breaker.calls.totals import CallDelta
from breakerd.breaker.engine import memento, operator_commands
from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.engine.load_shedder import CallCounts
from breakerd.breaker.engine.recovering.phases import RecoveryPhase
from breakerd.breaker.events.events import CandidateTransition, Event, ShadowTransition
from breakerd.breaker.host.load import LoadReading
from breakerd.breaker.settings import Settings
from breakerd.breaker.shadow.detection import detection_time
from breakerd.breaker.shadow.figures import ShadowFigures, ShadowTrip, Side
from breakerd.breaker.shadow.identity import digest_of
from breakerd.breaker.shadow.own_counts import OwnCounts
from breakerd.breaker.shadow.verdicts import Verdicts
from breakerd.breaker.states import (
    DISABLED,
    FORCED_OPEN,
    HALF_OPEN,
    OBSERVE,
    OPEN,
    REJECTING,
    WATCHING,
    Reason,
    State,
)

if TYPE_CHECKING:
    from breakerd.breaker.shadow.report import Beside

_NO_TRIPS: Final = frozenset(
    {
        Reason.MANUAL,
        Reason.OPERATOR,
        Reason.FLEET,
        Reason.RESTORED,
        Reason.PROBE_FAILED,
        Reason.RAMP_FAILED,
    }
)
"""Reasons of what is no trip by a signal: a command, others' trips, a recovery that failed."""
_LONGEST: Final = 60.0
"""Seconds after the end of an opening in which calls may end that began during it."""
_MAX_ASKED: Final = 10_000
"""Maximum number of answers kept for calls that have not ended."""


class Shadow:
    """Candidate of one breaker. The breaker's lock must be held.

    Args:
        active: engine of the settings in force.
        tried: settings of the candidate, complete.
        now: time in seconds of the breaker's clock.

    Attributes:
        engine: engine of the candidate.
        digest: identity of the comparison.
        figures: what was counted in this process.
        began_at: wall-clock time in seconds since the epoch at which this process began to compare.
        beside: what other processes have counted, and a promise; None while nobody has told.
    """

    def __init__(self, active: Engine, tried: Settings, now: float) -> None:
        self.digest = digest_of(active.settings)
        self.figures = ShadowFigures()
        self.began_at = time.time()
        self.beside: Beside | None = None
        self._active = active
        self._ready = False
        self.engine = Engine(active.name, tried, self._on_event, now)
        memento.load(self.engine, now, memento.dump(active, now), 0.0)
        self.engine.machine.override = OBSERVE
        self._verdicts = Verdicts(self.engine)
        self._asked: deque[bool] = deque(maxlen=_MAX_ASKED)
        """Answers to the calls in flight that the candidate was asked about, oldest first."""
        self._known_trip = active.transitions.last_trip
        self._tripped_at: dict[Side, float] = {}
        self._own = OwnCounts.of(self.engine, active)
        self._judges_all = tried.slo is not None or tried.limiter.enabled
        """True if slow calls count for more than the latency in the window."""
        self._note_checks()
        self._ready = True

    @property
    def active_settings(self) -> Settings:
        """Settings in force, which the candidate is compared with."""
        return self._active.settings

    # --- calls, where the settings in force take them in

    def ask(self, now: float, traffic: CallCounts, *, admitted: bool) -> None:
        """Decide about a call that the other engine has just decided about."""
        if self._active.machine.override in {FORCED_OPEN, DISABLED}:
            return
        rejected = self._verdicts.ask(now, traffic)
        if admitted:
            self._asked.append(rejected)

    def take(self, now: float, durations: list[float], traffic: CallCounts) -> None:
        """Take in calls that went well, none of them slow for the settings in force."""
        figures, engine = self.figures, self.engine
        count = len(durations)
        figures.calls += count
        if self._active.machine.state in REJECTING:
            figures.blind += count
        answered = min(count, len(self._asked))
        figures.rejected_good += sum(self._asked.popleft() for _ in range(answered))
        if answered < count and (engine.shedder.limiting or engine.machine.decided not in WATCHING):
            figures.rejected_good += self._verdicts.many(now, durations[answered:], traffic)
        if engine.machine.decided is OPEN:
            return
        if self._checks_each or max(durations) > engine.slow_after:
            self._take_one_by_one(now, durations, traffic)
        else:
            engine.window.extend(now, durations)

    def take_good(self, end: float, seconds: float, traffic: CallCounts) -> None:
        """Take in a single such call, with its own end, where nothing ticks."""
        start, engine = end - seconds, self.engine
        self._count(self._rejected(end, start, traffic), CallOutcome.SUCCESS, seconds)
        if self._checks_each or seconds > engine.slow_after:
            self._observe(end, start, end, traffic, CallOutcome.SUCCESS)
        else:
            engine.window.add(end, seconds, error=False)

    def observe(
        self, now: float, start: float, end: float, traffic: CallCounts, outcome: CallOutcome
    ) -> None:
        """Take in a call that the other engine has just judged."""
        rejected = self._rejected(now, start, traffic)
        if outcome is not CallOutcome.ABANDONED or end - start > self._active.slow_after:
            self._count(rejected, outcome, end - start)
        self._observe(now, start, end, traffic, outcome)
        self._compare(now)

    # --- readings and time

    def read(
        self, now: float, memory: float | None, load: LoadReading | None, lag: float | None
    ) -> None:
        """Take the readings that the other engine has just taken."""
        self.engine.read_memory(now, memory)
        if load is not None:
            self.engine.read_load(now, load, lag)
        self._compare(now)

    def advance(self, now: float, delta: CallDelta, traffic: CallCounts) -> None:
        """Let time pass, with the calls since the last tick, after the other engine."""
        self.figures.unseen += delta.rejected
        own = delta if self._own is None else self._own.replaced(delta)
        self.engine.update_baseline(now, own, traffic)
        self.engine.advance(now, traffic)
        if not traffic.in_flight:
            self._asked.clear()
        self._compare(now)

    def end_pause(self, now: float) -> None:
        """Have the calls decide nothing during which the process was paused."""
        if self.engine.machine.decided in WATCHING:
            self.engine.machine.generation_started_at = now
            self.engine.judge.hang.begin_generation()

    @property
    def watches_load(self) -> bool:
        """True if the candidate needs readings of the load."""
        return self.engine.load.enabled or self.engine.load.breached

    @property
    def interval(self) -> float | None:
        """Seconds between samples that the candidate needs; None if it needs none."""
        return self.engine.shedder.interval

    def restart(self, now: float) -> None:
        """Start afresh, as an operator's reset has the other engine do."""
        operator_commands.set_override(self.engine, now, OBSERVE, Reason.RESET)
        self.engine.machine.generation_started_at = self._active.machine.generation_started_at
        self._tripped_at.clear()
        self._compare(now)

    def after_fork(self, *, interrupted: bool) -> None:
        """Leave what was counted to the parent; drop a window that was being written."""
        if interrupted:
            self.engine.window.clear()
        self.figures = ShadowFigures()
        self.began_at, self.beside = time.time(), None
        self._asked.clear()

    # --- verdicts

    def _rejected(self, now: float, start: float, traffic: CallCounts) -> bool:
        if self._asked:
            return self._asked.popleft()
        return self._verdicts.one(now, start, traffic)

    def _count(self, rejected: bool, outcome: CallOutcome, seconds: float) -> None:
        figures = self.figures
        figures.calls += 1
        figures.blind += self._active.machine.state in REJECTING
        if not rejected:
            return
        if outcome is CallOutcome.ERROR:
            figures.rejected_failed += 1
        elif seconds > self._active.slow_after:
            figures.rejected_slow += 1
        else:
            figures.rejected_good += 1

    # --- what the candidate makes of it

    def _take_one_by_one(self, now: float, durations: list[float], traffic: CallCounts) -> None:
        """Judge the calls that may decide something, and take in the others between them."""
        slow_after, window = self.engine.slow_after, self.engine.window
        slow = [n for n, seconds in enumerate(durations) if seconds > slow_after]
        slow.append(len(durations))
        taken = following = 0
        while taken < len(durations) and not self._waits_for_probes:
            seconds = durations[taken]
            if self._checks_each:
                self._observe(now, now - seconds, now, traffic, CallOutcome.SUCCESS)
            elif seconds > slow_after:
                self._take_slow(now, seconds, traffic)
            else:
                following = bisect_left(slow, taken, following)
                window.extend(now, durations[taken : slow[following]])
                taken = slow[following]
                continue
            taken += 1
        self._compare(now)

    def _take_slow(self, now: float, seconds: float, traffic: CallCounts) -> None:
        """Take in a call that is slow for the candidate; most of them decide nothing."""
        engine = self.engine
        if self._judges_all or now - seconds < engine.machine.generation_started_at:
            self._observe(now, now - seconds, now, traffic, CallOutcome.SUCCESS)
            return
        if engine.judge.add_slow(now, seconds):
            engine.advance(now, traffic)
        if len(engine.window) < engine.window.size:
            self._note_checks()

    @property
    def _waits_for_probes(self) -> bool:
        machine = self.engine.machine
        if machine.decided in WATCHING:
            return False
        probes = machine.recovery.phase is RecoveryPhase.PROBES and machine.decided is HALF_OPEN
        return machine.decided is OPEN or (probes and not machine.recovery.probes_in_flight)

    def _observe(
        self, now: float, start: float, end: float, traffic: CallCounts, outcome: CallOutcome
    ) -> None:
        engine = self.engine
        if outcome is CallOutcome.ABANDONED:
            end = least_end(start, end, engine.slow_after, engine.useful_time)
        counted = engine.observe(now, start, end, traffic, outcome)
        if self._own is not None:
            self._own.count(end - start, outcome, counted=counted)
        self._note_checks()

    def _note_checks(self) -> None:
        """Note whether the next call may decide something, however good it is."""
        self._checks_each = (
            self.engine.must_check_each_call or self.engine.machine.decided not in WATCHING
        )

    # --- trips

    def _compare(self, now: float) -> None:
        """Note a trip of the settings in force, and what is to be checked next."""
        self._note_checks()
        trip = self._active.transitions.last_trip
        if trip is self._known_trip:
            if self._active.machine.decided in WATCHING:
                self._tripped_at.pop("active", None)
            return
        self._known_trip = trip
        if trip.reason in _NO_TRIPS or self._active.events.drill:
            return
        self._note_trip(now, "active", trip.reason, tuple(e.sentence() for e in trip.evidence))

    def _on_event(self, event: Event) -> None:
        if not self._ready or not isinstance(event, ShadowTransition):
            return
        if event.to_state is OPEN and event.reason not in _NO_TRIPS:
            sentences = tuple(each.sentence() for each in event.evidence)
            self._note_trip(event.monotonic, "candidate", event.reason, sentences)
        if event.to_state is OPEN and event.from_state in WATCHING:
            self._verdicts.opened_at = event.monotonic
        if event.to_state is State.CLOSED:
            self._verdicts.closed_at = event.monotonic
            self._tripped_at.pop("candidate", None)
        self._active.events.send(
            CandidateTransition,
            event.monotonic,
            from_state=event.from_state,
            to_state=event.to_state,
            reason=event.reason,
            evidence=event.evidence,
            retry_in=event.retry_in,
            generation=event.generation,
        )

    def _note_trip(self, now: float, side: Side, reason: Reason, evidence: tuple[str, ...]) -> None:
        engine = self._active if side == "active" else self.engine
        other: Side = "candidate" if side == "active" else "active"
        before = self._tripped_at.get(other)
        self._tripped_at[side] = now
        earlier = None if before is None else (now - before) * (1 if side == "active" else -1)
        self.figures.note(
            ShadowTrip(
                at=time.time(),
                side=side,
                reason=reason.value,
                evidence=evidence,
                detected_after=detection_time(engine, now, reason),
                earlier_by=earlier,
                blind=side == "candidate" and self._active.machine.state in REJECTING,
            )
        )
