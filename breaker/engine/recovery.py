"""Recovery from open to closed: wait, then a few probes, then a growing share of the calls.

`open` selects one of two ways. The *stated* recovery follows the settings: `wait_time`, doubled by
each failure, some concurrent probes, then shares of the calls. The *adaptive* recovery sends one
probe after a quarter of a second and further ones up to a second apart, with some rejections in
between, so that a quiet service rejects at all; then the concurrency limiter starts with a small
limit. A short first wait ends short outages early, and most outages are short.
"""

from bisect import bisect_right
from collections import deque
from enum import Enum, StrEnum, auto
from math import inf
from typing import Final

from breakerd.breaker.settings import Settings

INITIAL_BACKOFF: Final = 0.25
"""Seconds before the first adaptive probe."""
MAX_BACKOFF: Final = 1.0
"""Maximum seconds between two adaptive probes."""
MIN_REJECTIONS_BETWEEN_PROBES: Final = 3
"""Minimum number of calls rejected between two adaptive probes."""

_MAX_STEP_FACTOR: Final = 32
"""Maximum length of a step that keeps failing, as a multiple of `step_time`."""


class RecoveryPhase(StrEnum):
    """Phase of a recovery."""

    WAIT = "wait"
    PROBES = "probes"
    RAMP = "ramp"
    MEMORY = "memory"
    """Calls are admitted while memory is below its threshold."""


class RecoveryOutcome(Enum):
    """Effect of a report or a tick on a recovery."""

    UNCHANGED = auto()
    STEP_FORWARD = auto()
    STEP_BACK = auto()
    FAILED = auto()
    RECOVERED = auto()


class Recovery:
    """Recovery of one breaker. Pure: `now` is in seconds of its clock. Not thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self.limiter_enabled = False
        """True if a concurrency limit replaces the ramp's shares; set by the engine."""
        self.configure(settings)
        self.phase = RecoveryPhase.WAIT
        self.adaptive = False
        self.until = 0.0
        """Time at which the wait ends, the next adaptive probe may go, or the step ends."""
        self.deadline_passed = False
        """True if that time has passed, so that the next change depends on calls."""
        self.failures = 0
        """Failed recoveries since the breaker was last closed."""
        self.lost_probes = 0
        """Probes without a report since the breaker was last closed."""
        self._probes: deque[float] = deque()
        self._succeeded = 0
        self._step = 0
        self._hold = 1
        self._credit = 0.0
        self._rejected = 0

    def configure(self, settings: Settings) -> None:
        """Apply new settings; a running wait or step keeps its end.

        If fewer probes or steps are required than have passed, the next tick advances.
        """
        self._settings = settings.recovery
        self._wait_time = settings.wait_time

    @property
    def share(self) -> float:
        """Return the share of calls admitted: 0 before the ramp, 1 if only a limit applies."""
        if self.phase is RecoveryPhase.MEMORY or (
            self.phase is RecoveryPhase.RAMP and self.led_by_limiter
        ):
            return 1.0
        ramp = self._settings.ramp
        # New settings may have shortened the ramp.
        return (
            ramp[min(self._step, len(ramp) - 1)]
            if self.phase is RecoveryPhase.RAMP and ramp
            else 0.0
        )

    @property
    def probes_in_flight(self) -> int:
        """Return the number of probes in flight."""
        return len(self._probes)

    @property
    def deadline(self) -> float:
        """Return the time of the next change that needs no call; infinite if there is none."""
        if self.phase is RecoveryPhase.MEMORY or (
            self.led_by_limiter and self.phase is RecoveryPhase.RAMP
        ):
            return inf
        if self.phase is RecoveryPhase.PROBES and not self.adaptive:
            return inf
        return inf if self.adaptive and self.deadline_passed else self.until

    @property
    def enough_rejected(self) -> bool:
        """True if enough calls were rejected for the next probe."""
        return not self.adaptive or self._rejected >= MIN_REJECTIONS_BETWEEN_PROBES

    def open(self, now: float, *, adaptive: bool = False) -> None:
        """Start the wait; each failure since the last success doubles it, up to its maximum."""
        self.adaptive = adaptive
        if adaptive:
            self.wait(now + self._backoff)
            return
        longest = max(self._wait_time, self._settings.max_wait_time)
        self.wait(now + min(longest, self._wait_time * 2.0 ** min(self.failures, 32)))

    def wait(self, until: float) -> None:
        """Wait until `until`, whatever the settings say."""
        self.phase, self.until, self._rejected = RecoveryPhase.WAIT, until, 0
        self.deadline_passed = False

    def start_probing(self, now: float) -> None:
        """End the wait and admit probes."""
        self.phase, self.until = RecoveryPhase.PROBES, now
        self._probes.clear()
        self._succeeded = 0
        self._hold = 1

    def watch_memory(self) -> None:
        """End the wait and admit calls while there is enough memory."""
        self.phase = RecoveryPhase.MEMORY

    def reset_failures(self) -> None:
        """Reset the failure counts: the breaker has closed."""
        self.failures = self.lost_probes = 0

    def admit(self, now: float) -> bool:
        """True if a call may run now; takes a probe's place if there are few."""
        if self.phase is RecoveryPhase.PROBES:
            admitted = self._admit_probe(now)
        elif self.phase is RecoveryPhase.WAIT:
            admitted = False
        else:
            return self.led_by_limiter or self.phase is RecoveryPhase.MEMORY or self._admit_share()
        self._rejected += not admitted
        return admitted

    def report(self, now: float, *, good: bool) -> RecoveryOutcome:
        """Report the result of a probe; an unexpected one changes nothing."""
        if self.phase is not RecoveryPhase.PROBES or not self._probes:
            return RecoveryOutcome.UNCHANGED
        sent = self._probes.popleft()
        if good:
            self._succeeded += 1
            return self._after_probes(now)
        if not self.adaptive:
            return self.fail()
        # Stays half open and goes on probing, so that a long outage is one trip.
        self.failures += 1
        self.until, self.deadline_passed = max(self.until, sent + self._backoff), False
        return RecoveryOutcome.UNCHANGED

    def release(self, start: float) -> None:
        """Free the place of a probe that began at `start` and was abandoned: it shows nothing."""
        # A call begins just after it was admitted.
        index = bisect_right(self._probes, start) - 1
        if self.phase is RecoveryPhase.PROBES and index >= 0:
            del self._probes[index]

    def step_back(self, now: float) -> RecoveryOutcome:
        """Return to the previous step of the ramp, or fail: the current one goes badly."""
        self._step = min(self._step, len(self._settings.ramp)) - 1
        if self._step < 0 or self.led_by_limiter or self.phase is RecoveryPhase.MEMORY:
            return self.fail()
        # Hold longer, so that the share that failed is not tried again at once.
        self._hold = min(_MAX_STEP_FACTOR, self._hold * 2)
        self.until = now + self._settings.step_time * self._hold
        return RecoveryOutcome.STEP_BACK

    def tick(self, now: float) -> RecoveryOutcome:
        """Let time pass: expire lost probes, and end a step that went well."""
        self.deadline_passed = now >= self.until
        if self.phase is RecoveryPhase.PROBES:
            self._expire_lost_probes(now)
            return self._after_probes(now)
        if self.phase is not RecoveryPhase.RAMP or self.led_by_limiter or now < self.until:
            return RecoveryOutcome.UNCHANGED
        if self._step + 1 >= len(self._settings.ramp):
            return RecoveryOutcome.RECOVERED
        self._step += 1
        self.until = now + self._settings.step_time
        return RecoveryOutcome.STEP_FORWARD

    def fail(self) -> RecoveryOutcome:
        """Count a failed recovery; the caller opens the breaker again."""
        self.failures += 1
        return RecoveryOutcome.FAILED

    @property
    def led_by_limiter(self) -> bool:
        """True if a concurrency limit replaces the ramp's shares."""
        return self.adaptive and self.limiter_enabled

    @property
    def _backoff(self) -> float:
        return min(MAX_BACKOFF, INITIAL_BACKOFF * 2.0 ** min(self.failures, 32))

    def _after_probes(self, now: float) -> RecoveryOutcome:
        if self._succeeded < (1 if self.adaptive else self._settings.probes):
            return RecoveryOutcome.UNCHANGED
        if not self._settings.ramp and not self.led_by_limiter:
            return RecoveryOutcome.RECOVERED
        self.phase, self._step, self._credit = RecoveryPhase.RAMP, 0, 0.0
        self.until = now + self._settings.step_time
        return RecoveryOutcome.STEP_FORWARD

    def _admit_probe(self, now: float) -> bool:
        self._expire_lost_probes(now)
        if self.adaptive:
            return self._admit_adaptive_probe(now)
        if len(self._probes) + self._succeeded >= self._settings.probes:
            return False
        self._probes.append(now)
        return True

    def _admit_adaptive_probe(self, now: float) -> bool:
        if (
            now < self.until
            or not self.enough_rejected
            or len(self._probes) >= self._settings.probes
        ):
            return False
        self._probes.append(now)
        self._rejected = 0
        # The next probe may follow while this one is in flight: it may hang, or be lost.
        self.until, self.deadline_passed = now + self._backoff, False
        return True

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
