"""Surroundings: what the leader knows of processes that have a breaker, and observe nothing."""

from collections.abc import Iterable
from typing import Protocol

from breakerd.alerts.incidents.naming import Naming
from breakerd.alerts.model.content import Spread


class Surroundings(Protocol):
    """Knowledge of the leader about all processes, also where nothing is wrong."""

    @property
    def naming(self) -> Naming | None:
        """Names of new incidents; None if they are those of the host."""
        ...

    def spread(self, breaker: str) -> Spread:
        """Return in how many processes a breaker rejects calls, as far as that is known."""
        ...

    def see(self, now: float, breakers: Iterable[str]) -> None:
        """Record the breakers that are in trouble at `now`, in seconds since the epoch."""
        ...

    def is_well(self, now: float, breaker: str) -> bool:
        """Return True if a breaker is well of which nobody observes anything."""
        ...

    def may_close(self, now: float, incident: str) -> bool:
        """Return True if the incident of that id can be over for all."""
        ...
