"""Doubles for tests of code that uses a breaker: a manual clock and an event log."""

from typing import TypeVar

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.events.events import Event

E = TypeVar("E", bound=Event)


class ManualClock:
    """A clock that stands still until `advance` is called.

    Example:
        clock = ManualClock()
        breaker = Breaker(clock=clock, memory=lambda: None)
        clock.advance(10)
        breaker.tick()
    """

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Advance the time by `seconds`."""
        self.now += seconds


class EventLog(list[Event]):
    """A listener that keeps all events: `log = EventLog(); breaker.subscribe(log)`."""

    def __call__(self, event: Event) -> None:
        """Append `event`."""
        self.append(event)

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of one class, oldest first."""
        return [event for event in self if isinstance(event, kind)]


def simulate_call(
    breaker: Breaker, clock: ManualClock, milliseconds: float, *, error: bool = False
) -> bool:
    """Make one call of that duration if the breaker admits it; return True if it does."""
    if not breaker.allow():
        return False
    start = clock()
    clock.advance(milliseconds / 1000)
    breaker.done(start, clock(), error=error)
    return True
