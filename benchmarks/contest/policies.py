"""The policies of the contest: breakerd in three configurations, and other breakers.

All are told the same: a wait of 5 s where one is stated, and what a slow and a failed call are.
"""

import contextvars
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from unittest.mock import patch

from benchmarks.contest.world import TIMEOUT, Clock, Policy
from breakerd import Breaker, LimiterSettings, Settings, Slo

WAIT: Final = 5.0
THRESHOLD: Final = 0.3
"""Seconds above which a call is slow."""


class CallFailedError(Exception):
    """The result of a call that failed or timed out."""


class NoBreaker:
    """Lets every call pass."""

    def begin(self) -> object | None:
        """Admit."""
        return True

    def end(self, token: object, *, good: bool) -> None:
        """Do nothing."""

    def tick(self) -> None:
        """Do nothing."""


class Breakerd:
    """A breaker of this project, ticked from outside as by its ticker."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.breaker = Breaker(
            settings,
            clock=clock,
            memory=lambda: None,
            externally_ticked=True,
            jitter=random.Random(7).random,  # noqa: S311 - not for secrets
        )

    def begin(self) -> object | None:
        """Ask `allow`."""
        return self.breaker.clock() if self.breaker.allow() else None

    def end(self, token: Any, *, good: bool) -> None:
        """Report `done`."""
        self.breaker.done(token, self.breaker.clock(), error=not good)

    def tick(self) -> None:
        """Tick."""
        self.breaker.tick()


class ContextManagers:
    """A library's breaker that makes a context manager for each call.

    Calls overlap in one thread, so each has a context of its own, as threads and tasks do.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def begin(self) -> object | None:
        """Enter the context manager."""
        context = contextvars.copy_context()
        try:
            manager = self._make()
            context.run(manager.__enter__)
        except Exception:  # noqa: BLE001 - each library has its own class for a rejection
            return None
        return context, manager

    def end(self, token: Any, *, good: bool) -> None:
        """Leave it, with an exception if the call failed."""
        context, manager = token
        error = None if good else CallFailedError()
        with suppress(Exception):  # what is raised goes to the caller
            context.run(manager.__exit__, error and type(error), error, None)

    def tick(self) -> None:
        """Do nothing: none of them needs time to pass."""


def thresholds(clock: Clock, **more: Any) -> Policy:
    """Return breakerd with thresholds alone."""
    settings = Settings(
        latency_threshold=THRESHOLD * 1000,
        error_threshold=0.5,
        trend_analysis_enabled=True,
        **more,
    )
    return Breakerd(settings, clock)


def self_tuning(clock: Clock, **more: Any) -> Policy:
    """Return breakerd with a service level and a limiter."""
    slo = Slo(success_rate=0.95, timeout=TIMEOUT, warmup=5.0)
    return Breakerd(Settings(slo=slo, limiter=LimiterSettings(enabled=True), **more), clock)


def pybreaker(clock: Clock) -> Policy:  # noqa: ARG001 - it has no clock of its own
    """Return pybreaker: five failures in a row."""
    from pybreaker import CircuitBreaker

    return ContextManagers(CircuitBreaker(reset_timeout=WAIT).calling)


def circuitbreaker(clock: Clock) -> Policy:  # noqa: ARG001 - it has no clock of its own
    """Return circuitbreaker: five failures in a row."""
    from circuitbreaker import CircuitBreaker, CircuitBreakerError

    breaker = CircuitBreaker(recovery_timeout=round(WAIT))

    def make() -> CircuitBreaker:
        if breaker.opened:
            raise CircuitBreakerError(breaker)
        return breaker

    return ContextManagers(make)


def purgatory(clock: Clock) -> Policy:  # noqa: ARG001 - it has no clock of its own
    """Return purgatory: five failures in a row."""
    from purgatory import SyncCircuitBreakerFactory

    factory = SyncCircuitBreakerFactory(default_ttl=WAIT)
    return ContextManagers(lambda: factory.get_breaker("contest"))


def interlock(clock: Clock) -> Policy:
    """Return interlock: half of the last hundred calls failed, or all were slow."""
    from interlock import CircuitBreaker, Config

    class ItsClock:
        def monotonic(self) -> float:
            return clock()

    config = Config(wait_duration_in_open=WAIT, slow_call_duration_threshold=THRESHOLD)
    breaker = CircuitBreaker(name="contest", config=config, clock=ItsClock())
    return ContextManagers(lambda: breaker)


PEERS: Final = ("pybreaker", "circuitbreaker", "purgatory", "interlock")
POLICIES: Final[dict[str, Callable[[Clock], Policy]]] = {
    "thresholds, wait stated": lambda clock: thresholds(clock, wait_time=WAIT),
    "thresholds": thresholds,
    "slo + limiter": self_tuning,
    "slo + errors": lambda clock: self_tuning(clock, error_threshold=0.5),
    "no breaker": lambda _: NoBreaker(),
    "pybreaker": pybreaker,
    "circuitbreaker": circuitbreaker,
    "purgatory": purgatory,
    "interlock": interlock,
}


@contextmanager
def driven(clock: Clock) -> Iterator[None]:
    """Let the libraries that take no clock read `clock`."""

    class Dates(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Dates":
            return cls.fromtimestamp(clock(), tz or UTC)

    class Time:
        time = staticmethod(clock)

    with (
        patch("pybreaker.datetime", Dates),
        patch("circuitbreaker.monotonic", clock),
        patch("purgatory.domain.model.time", Time),
    ):
        yield
