"""Compute the wait of an open breaker before its probes, and the share of calls it begins with."""

from collections.abc import Callable
from math import inf
from typing import Final

from breakerd.breaker.settings import Settings

INITIAL_WAIT: Final = 0.25
"""Seconds before the first adaptive probe."""
MAX_PROBE_INTERVAL: Final = 1.0
"""Maximum seconds between two adaptive probes."""
JITTER: Final = 0.1
"""Maximum share that is added to a wait, so that many processes do not come back together."""
FORGIVEN: Final = 2
"""Failed recoveries, or relapses, in a row that do not lengthen the wait yet."""
MIN_GOOD_SPELL, MAX_GOOD_SPELL = 10.0, 60.0
"""Seconds that a breaker must be closed for its recovery to have lasted: as long as that took."""
_MAX_EXPONENT: Final = 32
_MAX_HALVINGS: Final = 4
"""Maximum number of times that the first share after an outage is halved."""
_MAX_HOLD: Final = 10.0
"""Maximum seconds to which relapses lengthen the last step before all calls pass."""


class Backoff:
    """Waits of one breaker, in seconds. Pure: `now` is in seconds of its clock. Not thread-safe.

    A *stated* wait is `wait_time`, the same after the first failed recoveries, then doubled.
    An *adaptive* wait is short, and probes follow soon after; it is doubled by each relapse but the
    first ones: a ramp that fails, or a trip soon after a recovery.

    Args:
        jitter: returns random numbers from 0 to 1.
    """

    def __init__(self, settings: Settings, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self.configure(settings)
        self.failures = 0
        """Failed recoveries, or adaptive probes, since the breaker was last closed."""
        self.relapses = 0
        """Recoveries in a row that did not last."""
        self._good_from = -inf
        """Time from which on a trip is no relapse."""

    def configure(self, settings: Settings) -> None:
        """Apply new settings."""
        self.stated_time = settings.wait_time
        self._max_wait_time = max(settings.wait_time, settings.recovery.max_wait_time)

    def wait(self, now: float, *, adaptive: bool, relapses: bool) -> float:
        """Return the wait after a trip at `now`; see `adaptive_wait` for `relapses`."""
        return self.adaptive_wait(now, relapses=relapses) if adaptive else self.stated_wait()

    def stated_wait(self) -> float:
        """Return the next wait where `wait_time` rules."""
        wait = self.stated_time * 2.0 ** _doublings(self.failures)
        return self._spread(min(self._max_wait_time, wait))

    def adaptive_wait(self, now: float, *, relapses: bool = True) -> float:
        """Return the wait after a trip at `now`; count a relapse if the last recovery was short.

        With `relapses` false, the trip says nothing about the last recovery.
        """
        if relapses:
            self.relapses = 0 if now >= self._good_from else self.relapses + 1
        wait = INITIAL_WAIT * 2.0 ** _doublings(self.relapses)
        return self._spread(min(self.stated_time, wait))

    def probe_interval(self) -> float:
        """Return the time from one adaptive probe to the next."""
        wait = INITIAL_WAIT * 2.0 ** min(_MAX_EXPONENT, self.failures)
        return self._spread(min(MAX_PROBE_INTERVAL, wait))

    @property
    def first_share(self) -> float:
        """Return the factor on what the first step of a recovery admits: smaller with relapses."""
        return 0.5 ** min(_MAX_HALVINGS, _doublings(self.relapses))

    def hold(self, step: float) -> float:
        """Return the seconds of the last step, where the others take `step`: more with relapses.

        What relapses when all calls pass may serve half of them for long.
        """
        return max(step, min(_MAX_HOLD, step * 4.0 ** _doublings(self.relapses)))

    def fail(self) -> None:
        """Count a failed recovery or probe."""
        self.failures += 1

    def ramp_failed(self) -> None:
        """Let the trip that follows count as a relapse."""
        self._good_from = inf

    def closed(self, now: float, recovery_seconds: float) -> None:
        """Reset the failures: the breaker has closed at `now`. What relapsed soon is remembered."""
        self.failures = 0
        self._good_from = now + min(MAX_GOOD_SPELL, max(MIN_GOOD_SPELL, recovery_seconds))

    def reset(self) -> None:
        """Forget everything: an operator has decided."""
        self.failures = self.relapses = 0
        self._good_from = -inf

    def good_spell_left(self, now: float) -> float:
        """Return the seconds for which a trip would still be a relapse."""
        return min(MAX_GOOD_SPELL, max(0.0, self._good_from - now))

    def resume(self, now: float, failures: int, relapses: int, good_spell_left: float) -> None:
        """Go on where an earlier process was."""
        self.failures, self.relapses = failures, relapses
        self._good_from = now + good_spell_left if good_spell_left else -inf

    def _spread(self, wait: float) -> float:
        return wait * (1.0 + JITTER * self._jitter())


def _doublings(failures: int) -> int:
    """Return how often a wait has been doubled after `failures` in a row."""
    return min(_MAX_EXPONENT, max(0, failures - FORGIVEN))
