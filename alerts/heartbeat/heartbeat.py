"""A dead man's switch: a receiver that hears nothing for too long pages by itself.

A heartbeat is pinged only after a round of delivering that succeeded, so silence means that alerts
cannot leave, or that nobody is left to send them. A ping is accepted even where there is no such
heartbeat, so it is looked for first.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol

from breakerd.alerts.model.text import format_duration
from breakerd.alerts.receivers.base import DeliveryError, RateLimitedError, UnauthorizedError
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_PINGS_AN_INTERVAL: Final = 3
"""Two may be lost."""
_SHORTEST_PERIOD: Final = 10.0
_LONGEST_PERIOD: Final = 60.0
_UNKNOWN_PERIOD: Final = 20.0
"""Fits the shortest interval that there is, which is a minute."""
_LOOK_EVERY: Final = 600.0
_LOOK_AGAIN: Final = 60.0
"""Seconds until it is looked for again, where something is to be put right."""
_TRY_AGAIN: Final = 10.0
_FAILURES: Final = 3
"""So many in a row are worth telling."""


@dataclass(frozen=True, slots=True)
class HeartbeatState:
    """A heartbeat as its receiver shows it.

    Attributes:
        interval: seconds without a ping after which the receiver pages.
        enabled: whether it does so.
        expired: whether it has.
    """

    interval: float
    enabled: bool = True
    expired: bool = False


class HeartbeatClient(Protocol):
    """One heartbeat at its receiver. Used from one thread at a time."""

    name: str
    """As it is called there."""

    def find(self) -> HeartbeatState | None:
        """How it is; None if there is none of that name.

        Raises:
            DeliveryError: one of its kinds; `UnauthorizedError` where the key may ping only.
        """
        ...

    def ping(self) -> None:
        """Says that all is well.

        Raises:
            DeliveryError: one of its kinds.
        """
        ...

    def close(self) -> None:
        """Lets go of connections."""
        ...


class HeartbeatAction(Enum):
    """What is asked of the receiver next."""

    LOOK_UP = auto()
    PING = auto()


class Heartbeat:
    """Keeps one heartbeat going: at most one request a round, and never an exception.

    Args:
        client: the heartbeat at its receiver.
    """

    def __init__(self, client: HeartbeatClient) -> None:
        self.client = client
        self.last_success = 0.0
        """When a ping was last accepted, in seconds since the epoch; 0 if none was."""
        self.period = _UNKNOWN_PERIOD
        """Seconds between two pings."""
        self._setup_problem = ""
        self._ping_problem = ""
        self._missing = False
        self._failures = 0
        self._asked_at = float("-inf")
        self._look_at = float("-inf")
        self._next_at = float("-inf")

    @property
    def problem(self) -> str:
        """What is wrong with it, in a sentence; empty if nothing is known to be."""
        return self._ping_problem or self._setup_problem

    def run_due(self, now: float, succeeded_at: float) -> None:
        """Does what is due, if anything is; see `next_act`."""
        if act := self.next_action(now, succeeded_at):
            self.execute(act, now)

    def next_action(self, now: float, succeeded_at: float) -> HeartbeatAction | None:
        """What is to be asked now, if anything.

        Args:
            now: seconds since the epoch.
            succeeded_at: when a round of delivering last succeeded; each is good for one request.
        """
        if now < self._next_at or succeeded_at <= self._asked_at:
            return None
        if now >= self._look_at:
            return HeartbeatAction.LOOK_UP
        return None if self._missing else HeartbeatAction.PING

    def execute(self, act: HeartbeatAction, now: float) -> None:
        """Asks the receiver, and takes in what it says."""
        self._asked_at = now
        before = self.problem
        try:
            if act is HeartbeatAction.LOOK_UP:
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
            # It may be a key that pings, and reads nothing; if it does neither, a ping tells.
            self._look_at = now + _LOOK_EVERY
            return
        self._missing = state is None
        self.period = period_of(state.interval) if state else _UNKNOWN_PERIOD
        self._setup_problem = problem_of(self.client.name, state, self.period)
        self._look_at = now + (_LOOK_AGAIN if self._setup_problem else _LOOK_EVERY)

    def _ping(self, now: float) -> None:
        self.client.ping()
        self.last_success, self._failures, self._ping_problem = now, 0, ""
        self._next_at = now + self.period

    def _fail(self, now: float, error: DeliveryError) -> None:
        self._failures += 1
        self._next_at = now + _TRY_AGAIN
        if self._failures >= _FAILURES:
            self._ping_problem = f"heartbeat {self.client.name} cannot be pinged: {error}"

    def _log_problem(self) -> None:
        if self.problem:
            _log.warning(self.problem)
        else:
            _log.info("a heartbeat is well again", heartbeat=self.client.name)


def period_of(interval: float) -> float:
    """Seconds between two pings of a heartbeat that expires after `interval` seconds."""
    return min(_LONGEST_PERIOD, max(_SHORTEST_PERIOD, interval / _PINGS_AN_INTERVAL))


def problem_of(name: str, state: HeartbeatState | None, period: float) -> str:
    """What is wrong with how a heartbeat is set up, in a sentence; empty if nothing is."""
    if state is None:
        return f"there is no heartbeat {name!r}: nobody hears if alerts cannot leave"
    if not state.enabled:
        return f"heartbeat {name!r} is disabled: nobody hears if alerts cannot leave"
    if state.interval < 2 * period:
        interval, pings = format_duration(state.interval), format_duration(period)
        return f"heartbeat {name!r} expires after {interval}, too soon for pings every {pings}"
    return ""
