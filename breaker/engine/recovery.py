"""From open back to closed: wait, then a few probes, then a growing share of the calls.

There are two ways, and `open` says which. The *stated* one keeps to the settings: `wait_time`,
doubled by each failure, some probes at once, shares of the calls. The *adaptive* one finds out by
itself and costs little: one probe after a quarter of a second, the next ones a second apart, with
some rejections in between so that a quiet service rejects at all; then whoever limits the
concurrency begins small. A short first wait finds the short outages, which are most of them.
"""

from collections import deque
from enum import Enum, StrEnum, auto
from math import inf
from typing import Final

from breakerd.breaker.settings import Settings

INITIAL_BACKOFF: Final = 0.25
"""Seconds before the first adaptive probe ..."""
MAX_BACKOFF: Final = 1.0
"""... and at most between two."""
MIN_REJECTIONS_BETWEEN_PROBES: Final = 3
"""At least so many calls are rejected between two adaptive probes."""

_MAX_STEP_FACTOR: Final = 32
"""A step that keeps failing is held at most so many times `step_time`."""


class RecoveryPhase(StrEnum):
    """Where a recovery is."""

    WAIT = "wait"
    PROBES = "probes"
    RAMP = "ramp"
    MEMORY = "memory"
    """Calls go while memory is below its threshold."""


class RecoveryOutcome(Enum):
    """What a report or the passing of time did to a recovery."""

    UNCHANGED = auto()
    STEP_FORWARD = auto()
    STEP_BACK = auto()
    FAILED = auto()
    RECOVERED = auto()


class Recovery:
    """One breaker's way back. Pure: `now` is passed in, in seconds of the breaker's clock."""

    def __init__(self, settings: Settings) -> None:
        self.limiter_enabled = False
        """Whether a concurrency limit takes the place of the ramp's shares; set by the engine."""
        self.configure(settings)
        self.phase = RecoveryPhase.WAIT
        self.adaptive = False
        self.until = 0.0
        """When the wait is over, the next adaptive probe may go, or the present step ends."""
        self.deadline_passed = False
        """Whether that time has come, and calls must show what comes next."""
        self.failures = 0
        """Recoveries that failed since the breaker was last closed."""
        self.lost_probes = 0
        """Probes that never reported, since the breaker was last closed."""
        self._probes: deque[float] = deque()
        self._succeeded = 0
        self._step = 0
        self._hold = 1
        self._credit = 0.0
        self._rejected = 0

    def configure(self, settings: Settings) -> None:
        """Takes new settings; a wait or a step that runs keeps its end.

        Where they ask for fewer probes or steps than were passed, the next tick goes on from there.
        """
        self._settings = settings.recovery
        self._wait_time = settings.wait_time

    @property
    def share(self) -> float:
        """Share of the calls let in: 0 before the ramp, 1 where only a limit holds them back."""
        if self.phase is RecoveryPhase.MEMORY or (
            self.phase is RecoveryPhase.RAMP and self.led_by_limiter
        ):
            return 1.0
        ramp = self._settings.ramp
        # A ramp may have become shorter since the step began.
        return (
            ramp[min(self._step, len(ramp) - 1)]
            if self.phase is RecoveryPhase.RAMP and ramp
            else 0.0
        )

    @property
    def probes_in_flight(self) -> int:
        """Probes under way."""
        return len(self._probes)

    @property
    def deadline(self) -> float:
        """When time alone may next change something; infinite if never."""
        if self.phase is RecoveryPhase.MEMORY or (
            self.led_by_limiter and self.phase is RecoveryPhase.RAMP
        ):
            return inf
        if self.phase is RecoveryPhase.PROBES and not self.adaptive:
            return inf
        return inf if self.adaptive and self.deadline_passed else self.until

    @property
    def enough_rejected(self) -> bool:
        """Whether, once the time has come, enough was rejected for a probe to go."""
        return not self.adaptive or self._rejected >= MIN_REJECTIONS_BETWEEN_PROBES

    def open(self, now: float, *, adaptive: bool = False) -> None:
        """Begins the wait; each failure since the last success doubles it, up to the limit."""
        self.adaptive = adaptive
        if adaptive:
            self.wait(now + self._backoff)
            return
        longest = max(self._wait_time, self._settings.max_wait_time)
        self.wait(now + min(longest, self._wait_time * 2.0 ** min(self.failures, 32)))

    def wait(self, until: float) -> None:
        """Waits until then, whatever the settings say."""
        self.phase, self.until, self._rejected = RecoveryPhase.WAIT, until, 0
        self.deadline_passed = False

    def start_probing(self, now: float) -> None:
        """Ends the wait: probes may go."""
        self.phase, self.until = RecoveryPhase.PROBES, now
        self._probes.clear()
        self._succeeded = 0
        self._hold = 1

    def watch_memory(self) -> None:
        """Ends the wait: calls may go while there is memory."""
        self.phase = RecoveryPhase.MEMORY

    def reset_failures(self) -> None:
        """The breaker is closed: past failures are forgotten."""
        self.failures = self.lost_probes = 0

    def admit(self, now: float) -> bool:
        """Whether a call may go now."""
        if self.phase is RecoveryPhase.PROBES:
            admitted = self._admit_probe(now)
        elif self.phase is RecoveryPhase.WAIT:
            admitted = False
        else:
            return self.led_by_limiter or self.phase is RecoveryPhase.MEMORY or self._admit_share()
        self._rejected += not admitted
        return admitted

    def report(self, now: float, *, good: bool) -> RecoveryOutcome:
        """Takes the result of a probe. One that was not expected changes nothing."""
        if self.phase is not RecoveryPhase.PROBES or not self._probes:
            return RecoveryOutcome.UNCHANGED
        sent = self._probes.popleft()
        if good:
            self._succeeded += 1
            return self._after_probes(now)
        if not self.adaptive:
            return self.fail()
        # It goes on probing, as half open as before: an outage is one trip, however long it is.
        self.failures += 1
        self.until, self.deadline_passed = max(self.until, sent + self._backoff), False
        return RecoveryOutcome.UNCHANGED

    def step_back(self, now: float) -> RecoveryOutcome:
        """The present step of the ramp goes badly: back to the one before, or to the wait."""
        self._step = min(self._step, len(self._settings.ramp)) - 1
        if self._step < 0 or self.led_by_limiter or self.phase is RecoveryPhase.MEMORY:
            return self.fail()
        # A share that was too much just now is not tried again at once.
        self._hold = min(_MAX_STEP_FACTOR, self._hold * 2)
        self.until = now + self._settings.step_time * self._hold
        return RecoveryOutcome.STEP_BACK

    def tick(self, now: float) -> RecoveryOutcome:
        """Lets time pass: lost probes free their places, a step that went well gives way."""
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
        """Counts a failed recovery; whoever holds this opens the breaker again."""
        self.failures += 1
        return RecoveryOutcome.FAILED

    @property
    def led_by_limiter(self) -> bool:
        """Whether a concurrency limit leads the ramp."""
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
        # While this one is under way the next may follow: it may hang, or be lost.
        self.until, self.deadline_passed = now + self._backoff, False
        return True

    def _admit_share(self) -> bool:
        # Error diffusion: the admitted calls are spread evenly, and need no random numbers.
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
