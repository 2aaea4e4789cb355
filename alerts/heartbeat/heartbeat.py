"""Heartbeat: a dead man's switch. Without pings for too long, the receiver pages by itself.

A heartbeat is pinged only after a successful delivery round. So missing pings mean that alerts
cannot leave, or that no process is left to send them. A ping is accepted even if there is no such
heartbeat, so the heartbeat is looked up first.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol

from breakerd.alerts.model.text import format_duration
from breakerd.alerts.receivers.base import (
    DeliveryError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
)
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_PINGS_PER_INTERVAL: Final = 3
"""Number of pings in the interval of a heartbeat, so two may be lost."""
_MIN_PERIOD: Final = 10.0
"""Minimum number of seconds between two pings."""
_MAX_PERIOD: Final = 60.0
"""Maximum number of seconds between two pings."""
_DEFAULT_PERIOD: Final = 20.0
"""Seconds between two pings while the interval is unknown; fits the shortest one, a minute."""
_LOOKUP_INTERVAL: Final = 600.0
"""Seconds between two lookups."""
_PROBLEM_LOOKUP_INTERVAL: Final = 60.0
"""Seconds between two lookups while the setup has a problem."""
_RETRY_INTERVAL: Final = 10.0
"""Seconds before a failed request is repeated."""
_REPORTED_FAILURES: Final = 3
"""Number of failures in a row from which on they are reported."""


@dataclass(frozen=True, slots=True)
class HeartbeatState:
    """State of a heartbeat at its receiver.

    Attributes:
        interval: seconds without a ping after which the receiver pages.
        enabled: True if the receiver pages.
        expired: True if the interval has passed without a ping.
    """

    interval: float
    enabled: bool = True
    expired: bool = False


class HeartbeatClient(Protocol):
    """Client of one heartbeat at its receiver. For one thread at a time."""

    name: str
    """Name of the heartbeat at the receiver."""

    def find(self) -> HeartbeatState | None:
        """Return its state; None if there is none of that name.

        Raises:
            DeliveryError: one of its subclasses; `UnauthorizedError` if the key may only ping.
        """
        ...

    def ping(self) -> None:
        """Send a ping.

        Raises:
            DeliveryError: one of its subclasses.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class HeartbeatAction(Enum):
    """Next request to the receiver."""

    LOOK_UP = auto()
    PING = auto()


class Heartbeat:
    """Pings one heartbeat: at most one request a round, and no `DeliveryError` is raised.

    For one thread at a time.

    Args:
        client: client of the heartbeat.
    """

    def __init__(self, client: HeartbeatClient) -> None:
        self.client = client
        self.last_success = 0.0
        """Time of the last accepted ping, in seconds since the epoch; 0 if there was none."""
        self.period = _DEFAULT_PERIOD
        """Seconds between two pings."""
        self._setup_problem = ""
        self._ping_problem = ""
        self._missing = False
        self._failures = 0
        self._requested_at = float("-inf")
        self._lookup_at = float("-inf")
        self._next_at = float("-inf")

    @property
    def problem(self) -> str:
        """Problem of the heartbeat, as a sentence; empty if none is known."""
        return self._ping_problem or self._setup_problem

    def run_due(self, now: float, succeeded_at: float) -> None:
        """Execute the action that is due, if there is one; see `next_action`."""
        if action := self.next_action(now, succeeded_at):
            self.execute(action, now)

    def next_action(self, now: float, succeeded_at: float) -> HeartbeatAction | None:
        """Return the action that is due at `now`, or None.

        Args:
            now: seconds since the epoch.
            succeeded_at: time of the last successful delivery round; each permits one request.
        """
        if now < self._next_at or succeeded_at <= self._requested_at:
            return None
        if now >= self._lookup_at:
            return HeartbeatAction.LOOK_UP
        return None if self._missing else HeartbeatAction.PING

    def execute(self, action: HeartbeatAction, now: float) -> None:
        """Send the request of an action, and apply the response."""
        self._requested_at = now
        before = self.problem
        try:
            if action is HeartbeatAction.LOOK_UP:
                self._look_up(now)
            else:
                self._ping(now)
        except RateLimitedError as error:
            self._next_at = now + error.seconds
        except DeliveryError as error:
            self._fail(now, error)
        if self.problem != before:
            self._log_problem()

    def _look_up(self, now: float) -> None:
        try:
            state = self.client.find()
        except UnauthorizedError:
            # The key may ping and not read. If it may do neither, the ping fails.
            self._lookup_at = now + _LOOKUP_INTERVAL
            return
        except UnavailableError:
            # A description that cannot be read is no reason not to ping. If nothing answers, the
            # ping fails.
            self._lookup_at = now + _PROBLEM_LOOKUP_INTERVAL
            return
        self._missing = state is None
        self.period = period_of(state.interval) if state else _DEFAULT_PERIOD
        self._setup_problem = problem_of(self.client.name, state, self.period)
        self._lookup_at = now + (
            _PROBLEM_LOOKUP_INTERVAL if self._setup_problem else _LOOKUP_INTERVAL
        )

    def _ping(self, now: float) -> None:
        self.client.ping()
        self.last_success, self._failures, self._ping_problem = now, 0, ""
        self._next_at = now + self.period

    def _fail(self, now: float, error: DeliveryError) -> None:
        self._failures += 1
        self._next_at = now + _RETRY_INTERVAL
        if self._failures >= _REPORTED_FAILURES:
            self._ping_problem = f"heartbeat {self.client.name} cannot be pinged: {error}"

    def _log_problem(self) -> None:
        if self.problem:
            _log.warning(self.problem)
        else:
            _log.info("heartbeat recovered", heartbeat=self.client.name)


def period_of(interval: float) -> float:
    """Return the seconds between two pings of a heartbeat that expires after `interval` s."""
    return min(_MAX_PERIOD, max(_MIN_PERIOD, interval / _PINGS_PER_INTERVAL))


def problem_of(name: str, state: HeartbeatState | None, period: float) -> str:
    """Return the problem of a heartbeat's setup, as a sentence; empty if there is none."""
    if state is None:
        return f"there is no heartbeat {name!r}: nobody is paged if alerts cannot leave"
    if not state.enabled:
        return f"heartbeat {name!r} is disabled: nobody is paged if alerts cannot leave"
    if state.interval < 2 * period:
        interval, pings = format_duration(state.interval), format_duration(period)
        return f"heartbeat {name!r} expires after {interval}, too soon for pings every {pings}"
    return ""
