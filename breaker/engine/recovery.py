"""Recovery from open to closed: wait, then a few probes, then a growing share of the calls.

`open` selects one of two ways. The *stated* recovery follows the settings: `wait_time`, some
concurrent probes, then shares of the calls. The *adaptive* recovery sends one probe after a quarter
of a second and further ones up to a second apart, with some rejections in between, so that a quiet
service rejects at all; then come the shares, or the concurrency limiter with a small limit. A short
first wait ends short outages early, and most outages are short. `Backoff` has the waits of both.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Final

from breakerd.breaker.engine.recovering.backoff import Backoff
from breakerd.breaker.engine.recovering.guide import Guide
from breakerd.breaker.engine.recovering.phases import RecoveryOutcome, RecoveryPhase
from breakerd.breaker.settings import Settings
from breakerd.breaker.states import Reason

_BY_CALLS: Final = frozenset({Reason.FAILURE_STREAK, Reason.LATENCY, Reason.ERRORS, Reason.FLEET})
"""Trips by calls: probes tell when to recover, so that no wait need be stated."""
_BY_READINGS: Final = frozenset({Reason.MEMORY, Reason.LOAD})
"""Trips that say nothing about what is called."""
_FAILED_RECOVERIES: Final = frozenset({Reason.PROBE_FAILED, Reason.RAMP_FAILED})
MIN_REJECTIONS_BETWEEN_PROBES: Final = 3
"""Minimum number of calls rejected between two adaptive probes, unless `wait_time` passes."""

_STEPS_PER_OUTAGE: Final = 10
"""Steps of the ramp in the time since the trip, where neither wait nor step is stated."""
_MAX_STEP_FACTOR: Final = 32
"""Maximum length of a step that keeps failing, as a multiple of `step_time`."""


class Recovery:
    """Recovery of one breaker. Pure: `now` is in seconds of its clock. Not thread-safe.

    Args:
        jitter: returns random numbers from 0 to 1.
    """

    def __init__(self, settings: Settings, jitter: Callable[[], float] = lambda: 0.0) -> None:
        self.backoff = Backoff(settings, jitter)
        self.configure(settings)
        self.phase = RecoveryPhase.WAIT
        self.adaptive = False
        self.until = 0.0
        """Time at which the wait ends, the next adaptive probe may go, or the step ends."""
        self.deadline_passed = False
        """True if that time has passed, so that the next change depends on calls."""
        self.lost_probes = 0
        """Probes without a report since the breaker was last closed."""
        self.guide: Guide | None = None
        """Orders of the fleet, which go before its own wait and ramp; None: it decides alone."""
        self.min_rejections = MIN_REJECTIONS_BETWEEN_PROBES
        """Calls rejected between two adaptive probes; more where others probe as well."""
        self._probes: deque[float] = deque()
        self._succeeded = 0
        self._step = 0
        self._hold = 1
        self._credit = 0.0
        self._rejected = 0
        self._patient_since = self._opened_at = 0.0
        self._step_time = self._max_step_time

    def configure(self, settings: Settings) -> None:
        """Apply new settings; a running wait or step keeps its end.

        If fewer probes or steps are required than have passed, the next tick advances.
        """
        self._settings = settings.recovery
        self._limiter_enabled = settings.limiter.enabled
        self._adaptive_reasons = _BY_CALLS if settings.recovers_adaptively else frozenset()
        if settings.gates_memory:
            self._adaptive_reasons |= _BY_READINGS
        # Thresholds promise probes by then; a service level prefers to reject where calls are few.
        self._patience = settings.wait_time if settings.slo is None else inf
        self._max_step_time = settings.ramp_step_time
        self._finds_step_time = settings.finds_step_time
        self._ramp_is_stated = "ramp" in settings.recovery.model_fields_set
        self.backoff.configure(settings)

    @property
    def share(self) -> float:
        """Return the share of calls admitted: 0 before the ramp, 1 if only a limit applies."""
        if self.phase is RecoveryPhase.MEMORY or (
            self.phase is RecoveryPhase.RAMP and self.led_by_limiter
        ):
            return 1.0
        if self.guide is not None:
            return self.guide.share if self.phase is RecoveryPhase.RAMP else 0.0
        ramp = self._ramp
        # New settings may have shortened the ramp.
        return (
            ramp[min(self._step, len(ramp) - 1)]
            if self.phase is RecoveryPhase.RAMP and ramp
            else 0.0
        )

    @property
    def begins_ramp(self) -> bool:
        """True in the first step of a ramp after adaptive probes, of which some may have failed."""
        return self.adaptive and self.phase is RecoveryPhase.RAMP and self._step == 0

    @property
    def failures(self) -> int:
        """Return the failed recoveries since the breaker was last closed."""
        return self.backoff.failures

    @property
    def probes_in_flight(self) -> int:
        """Return the number of probes in flight."""
        return len(self._probes)

    @property
    def deadline(self) -> float:
        """Return the time of the next change that needs no call; infinite if there is none."""
        led = self.phase is RecoveryPhase.RAMP and self.led_by_limiter
        if self.phase is RecoveryPhase.MEMORY or self.guide is not None or led:
            return inf
        if self.phase is RecoveryPhase.PROBES and not self.adaptive:
            return inf
        # The end of a step needs no call.
        waits_for_calls = self.adaptive and self.phase is not RecoveryPhase.RAMP
        return inf if waits_for_calls and self.deadline_passed else self.until

    def rejected_enough(self, now: float) -> bool:
        """Return True if enough calls were rejected, or enough time has passed, for a probe."""
        enough = not self.adaptive or self._rejected >= self.min_rejections
        return enough or now >= self._patient_since + self._patience

    def open(self, now: float, reason: Reason) -> None:
        """Start the wait after a trip for `reason`; it decides alone until it is told to follow."""
        self.guide = None
        if reason not in _FAILED_RECOVERIES:
            self.adaptive = reason in self._adaptive_reasons
        relapses = reason not in _BY_READINGS
        wait = self.backoff.wait(now, adaptive=self.adaptive, relapses=relapses)
        self.wait(now, now + wait)

    def resume(self, now: float, wait: float, reason: Reason) -> None:
        """Wait for the rest of a wait that an earlier process began after a trip for `reason`."""
        self.wait(now, now + wait)
        known = self._adaptive_reasons | (_FAILED_RECOVERIES if self._adaptive_reasons else set())
        self.adaptive, self._rejected = reason in known, self.min_rejections

    def wait(self, now: float, until: float) -> None:
        """Wait until `until`, whatever the settings say."""
        self.phase, self.until, self._rejected = RecoveryPhase.WAIT, until, 0
        self._patient_since = self._opened_at = now
        self.deadline_passed = False

    def follow(self, now: float, guide: Guide) -> None:
        """Wait for what the fleet orders, and not for a time."""
        self.guide = guide
        self.wait(now, inf)

    def lead(self, now: float) -> None:
        """Go on without orders of the fleet, from where it is: wait, or begin the ramp."""
        self.guide = None
        if self.phase is RecoveryPhase.RAMP:
            self._begin_ramp(now)
            return
        wait = self.backoff.wait(now, adaptive=self.adaptive, relapses=False)
        if self.phase is RecoveryPhase.PROBES:
            self.until, self._rejected, self._patient_since = now + wait, 0, now
        else:
            self.wait(now, now + wait)

    def skip_wait(self, now: float) -> None:
        """Let the first probe go at once."""
        self.until, self._rejected = now, self.min_rejections

    def start_probing(self, now: float) -> None:
        """End the wait and admit probes."""
        self.phase, self.until = RecoveryPhase.PROBES, now
        self._probes.clear()
        self._succeeded = 0
        self._hold = 1

    def watch_memory(self) -> None:
        """End the wait and admit calls while there is enough memory."""
        self.phase = RecoveryPhase.MEMORY

    def close(self, now: float) -> None:
        """End the recovery: the breaker has closed."""
        self.backoff.closed(now, now - self._opened_at)
        self.lost_probes = 0

    def reset(self) -> None:
        """Forget earlier recoveries: an operator has decided."""
        self.guide = None
        self.backoff.reset()
        self.lost_probes = 0

    def admit(self, now: float) -> bool:
        """True if a call may run now; takes a probe's place if there are few."""
        if self.phase is RecoveryPhase.PROBES:
            admitted = self._admit_probe(now)
        elif self.phase is RecoveryPhase.WAIT:
            admitted = False
        elif self.phase is RecoveryPhase.RAMP and self.guide is not None:
            admitted = self.guide.take_share(now)
        else:
            return self.led_by_limiter or self.phase is RecoveryPhase.MEMORY or self._admit_share()
        self._rejected += not admitted
        return admitted

    def report(self, now: float, *, good: bool) -> RecoveryOutcome:
        """Report the result of a probe; an unexpected one changes nothing."""
        if self.phase is not RecoveryPhase.PROBES or not self._probes:
            return RecoveryOutcome.UNCHANGED
        sent = self._probes.popleft()
        if self.guide is not None:
            self.guide.results.append(good)
            return RecoveryOutcome.UNCHANGED
        if good:
            self._succeeded += 1
            return self._after_probes(now)
        if not self.adaptive:
            return self.fail()
        # Stays half open and goes on probing, so that a long outage is one trip.
        self.backoff.fail()
        soonest = sent + self.backoff.probe_interval()
        self.until, self.deadline_passed = max(self.until, soonest), False
        return RecoveryOutcome.UNCHANGED

    def release(self, start: float) -> None:
        """Free the place of a probe that began at `start` and was abandoned: it shows nothing."""
        # A call begins just after it was admitted.
        index = bisect_right(self._probes, start) - 1
        if self.phase is RecoveryPhase.PROBES and index >= 0:
            del self._probes[index]

    def step_back(self, now: float) -> RecoveryOutcome:
        """Return to the previous step of the ramp, or fail: the current one goes badly."""
        self._step = min(self._step, len(self._ramp)) - 1
        if self._step < 0 or self._is_led or self.phase is RecoveryPhase.MEMORY:
            return self.fail()
        # Hold longer, so that the share that failed is not tried again at once.
        self._hold = min(_MAX_STEP_FACTOR, self._hold * 2)
        self.until = now + self._step_time * self._hold
        return RecoveryOutcome.STEP_BACK

    def tick(self, now: float) -> RecoveryOutcome:
        """Let time pass: expire lost probes, and end a step that went well."""
        self.deadline_passed = now >= self.until
        if self.phase is RecoveryPhase.PROBES:
            self._expire_lost_probes(now)
            return RecoveryOutcome.UNCHANGED if self.guide else self._after_probes(now)
        if self.phase is not RecoveryPhase.RAMP or self._is_led or now < self.until:
            return RecoveryOutcome.UNCHANGED
        if self._step + 1 >= len(self._ramp):
            return RecoveryOutcome.RECOVERED
        self._step += 1
        last = self._step + 1 >= len(self._ramp)
        step = self._step_time
        self.until = now + (self.backoff.hold(step) if last and self.adaptive else step)
        return RecoveryOutcome.STEP_FORWARD

    def fail(self) -> RecoveryOutcome:
        """Count a failed recovery; the caller opens the breaker again."""
        self.backoff.fail()
        if self.phase is not RecoveryPhase.PROBES:
            self.backoff.ramp_failed()
        return RecoveryOutcome.FAILED

    @property
    def led_by_limiter(self) -> bool:
        """True if a concurrency limit replaces the ramp's shares."""
        return self.adaptive and self._limiter_enabled and self.guide is None

    @property
    def _is_led(self) -> bool:
        """True if it takes no steps of its own in a ramp."""
        return self.led_by_limiter or self.guide is not None

    @property
    def _ramp(self) -> tuple[float, ...]:
        """Shares of the calls, one for each step; after relapses it begins and ends with less."""
        ramp = self._settings.ramp
        share = self.backoff.first_share
        if share == 1 or self._ramp_is_stated or not self.adaptive:
            return ramp
        return (share * ramp[0], *ramp, (1 + ramp[-1]) / 2)

    def _after_probes(self, now: float) -> RecoveryOutcome:
        if self._succeeded < (1 if self.adaptive else self._settings.probes):
            return RecoveryOutcome.UNCHANGED
        if not self._settings.ramp and not self.led_by_limiter:
            return RecoveryOutcome.RECOVERED
        self._begin_ramp(now)
        return RecoveryOutcome.STEP_FORWARD

    def _begin_ramp(self, now: float) -> None:
        self.phase, self._step, self._credit = RecoveryPhase.RAMP, 0, 0.0
        self._step_time = self._max_step_time
        if self.adaptive and self._finds_step_time:
            # What follows a short outage, or none, is short.
            self._step_time = min(self._step_time, (now - self._opened_at) / _STEPS_PER_OUTAGE)
        self.until = now + self._step_time

    def _admit_probe(self, now: float) -> bool:
        self._expire_lost_probes(now)
        if self.guide is not None:
            return self._admit_leased_probe(now, self.guide)
        if self.adaptive:
            return self._admit_adaptive_probe(now)
        if len(self._probes) + self._succeeded >= self._settings.probes:
            return False
        self._probes.append(now)
        return True

    def _admit_adaptive_probe(self, now: float) -> bool:
        if (
            now < self.until
            or not self.rejected_enough(now)
            or len(self._probes) >= self._settings.probes
        ):
            return False
        self._probes.append(now)
        self._rejected, self._patient_since = 0, now
        # The next probe may follow while this one is in flight: it may hang, or be lost.
        self.until, self.deadline_passed = now + self.backoff.probe_interval(), False
        return True

    def _admit_leased_probe(self, now: float, guide: Guide) -> bool:
        taken = guide.take_probe(now)
        if taken:
            self._probes.append(now)
        return taken

    def _admit_share(self) -> bool:
        # Error diffusion spreads the admitted calls evenly without random numbers.
        self._credit += self.share
        if round(self._credit, 9) < 1:
            return False
        self._credit -= 1
        return True

    def _expire_lost_probes(self, now: float) -> None:
        oldest = now - self._settings.probe_timeout
        while self._probes and self._probes[0] <= oldest:
            self._probes.popleft()
            self.lost_probes += 1
            if self.guide is not None:
                self.guide.results.append(False)
