"""From open back to closed: wait, then a few probes, then a growing share of the calls."""

from collections import deque
from enum import Enum, StrEnum, auto
from typing import Final

from breaker.settings import Settings

_LONGEST_STEP: Final = 32
"""A step that keeps failing is held at most so many times `step_time`."""


class Phase(StrEnum):
    """Where a recovery is."""

    WAIT = "wait"
    PROBES = "probes"
    RAMP = "ramp"


class Outcome(Enum):
    """What a report or the passing of time did to a recovery."""

    UNCHANGED = auto()
    STEP_FORWARD = auto()
    STEP_BACK = auto()
    FAILED = auto()
    RECOVERED = auto()


class Recovery:
    """One breaker's way back. Pure: `now` is passed in, in seconds of the breaker's clock."""

    def __init__(self, settings: Settings) -> None:
        self.configure(settings)
        self.phase = Phase.WAIT
        self.until = 0.0
        """When the wait is over, or the present step of the ramp."""
        self.failures = 0
        """Recoveries that failed since the breaker was last closed."""
        self.lost_probes = 0
        """Probes that never reported, since the breaker was last closed."""
        self._probes: deque[float] = deque()
        self._succeeded = 0
        self._step = 0
        self._hold = 1
        self._credit = 0.0

    def configure(self, settings: Settings) -> None:
        """Takes new settings; a wait or a step that runs keeps its end.

        Where they ask for fewer probes or steps than were passed, the next tick goes on from there.
        """
        self._settings = settings.recovery
        self._wait_time = settings.wait_time

    @property
    def share(self) -> float:
        """Share of the calls let in: 0 before the ramp."""
        ramp = self._settings.ramp
        # A ramp may have become shorter since the step began.
        return ramp[min(self._step, len(ramp) - 1)] if self.phase is Phase.RAMP and ramp else 0.0

    @property
    def probes_out(self) -> int:
        """Probes under way."""
        return len(self._probes)

    def open(self, now: float) -> None:
        """Begins the wait; each failure since the last success doubles it, up to the limit."""
        longest = max(self._wait_time, self._settings.max_wait_time)
        self.wait(now + min(longest, self._wait_time * 2.0 ** min(self.failures, 32)))

    def wait(self, until: float) -> None:
        """Waits until then, whatever the settings say."""
        self.phase, self.until = Phase.WAIT, until

    def begin(self) -> None:
        """Ends the wait: probes may go."""
        self.phase = Phase.PROBES
        self._probes.clear()
        self._succeeded = 0
        self._hold = 1

    def finish(self) -> None:
        """The breaker is closed: past failures are forgotten."""
        self.failures = self.lost_probes = 0

    def admit(self, now: float) -> bool:
        """Whether a call may go now."""
        if self.phase is Phase.PROBES:
            return self._admit_probe(now)
        if self.phase is Phase.WAIT:
            return False
        # Error diffusion: the admitted calls are spread evenly, and need no random numbers.
        self._credit += self.share
        if round(self._credit, 9) < 1:
            return False
        self._credit -= 1
        return True

    def report(self, now: float, *, good: bool) -> Outcome:
        """Takes the result of a probe. One that was not expected changes nothing."""
        if self.phase is not Phase.PROBES or not self._probes:
            return Outcome.UNCHANGED
        self._probes.popleft()
        if not good:
            return self.fail()
        self._succeeded += 1
        return self._after_probes(now)

    def step_back(self, now: float) -> Outcome:
        """The present step of the ramp goes badly: back to the one before, or to the wait."""
        self._step = min(self._step, len(self._settings.ramp)) - 1
        if self._step < 0:
            return self.fail()
        # A share that was too much just now is not tried again at once.
        self._hold = min(_LONGEST_STEP, self._hold * 2)
        self.until = now + self._settings.step_time * self._hold
        return Outcome.STEP_BACK

    def tick(self, now: float) -> Outcome:
        """Lets time pass: lost probes free their places, a step that went well gives way."""
        if self.phase is Phase.PROBES:
            self._forget_lost(now)
            return self._after_probes(now)
        if self.phase is not Phase.RAMP or now < self.until:
            return Outcome.UNCHANGED
        if self._step + 1 >= len(self._settings.ramp):
            return Outcome.RECOVERED
        self._step += 1
        self.until = now + self._settings.step_time
        return Outcome.STEP_FORWARD

    def fail(self) -> Outcome:
        """Counts a failed recovery; whoever holds this opens the breaker again."""
        self.failures += 1
        return Outcome.FAILED

    def _after_probes(self, now: float) -> Outcome:
        if self._succeeded < self._settings.probes:
            return Outcome.UNCHANGED
        if not self._settings.ramp:
            return Outcome.RECOVERED
        self.phase, self._step, self._credit = Phase.RAMP, 0, 0.0
        self.until = now + self._settings.step_time
        return Outcome.STEP_FORWARD

    def _admit_probe(self, now: float) -> bool:
        self._forget_lost(now)
        if len(self._probes) + self._succeeded >= self._settings.probes:
            return False
        self._probes.append(now)
        return True

    def _forget_lost(self, now: float) -> None:
        oldest = now - self._settings.probe_timeout
        while self._probes and self._probes[0] <= oldest:
            self._probes.popleft()
            self.lost_probes += 1
