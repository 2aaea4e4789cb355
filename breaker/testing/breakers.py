"""Breakers of a process in the hands of a test."""

from collections.abc import Iterator
from contextlib import contextmanager

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.host.load import LoadReading
from breakerd.breaker.testing.doubles import EventLog
from breakerd.breaker.testing.handle import BreakerHandle
from breakerd.breaker.testing.lookup import find
from breakerd.breaker.testing.takeover import Takeover


@contextmanager
def take_over() -> Iterator["Breakers"]:
    """Take over every breaker of the process until the end of the block, for a test.

    Those that exist, and those that are made meanwhile, are closed and empty, on one manual clock,
    without chance and without readings of the machine. They start no thread, write no file and
    page nobody. Afterwards each is as it was, on its own clock. Breakers that a test drives itself
    (on a `ManualClock`, or `externally_ticked`) are left alone.

    Blocks may be nested; the inner one begins afresh.

    Raises:
        RuntimeError: another thread has taken them over.

    Example:
        with take_over() as breakers:
            breakers["payments"].open()
            breakers.advance(10)
    """
    takeover = Takeover()
    takeover.begin()
    try:
        yield Breakers(takeover)
    finally:
        takeover.end()


class Breakers:
    """All breakers of the process, for a test; the fixture `breakers`, and `take_over`.

    `breakers["payments"]` has what a test does with one of them. A name means the newest breaker
    that has it; `breakers[payments]` takes a breaker itself.
    """

    def __init__(self, takeover: Takeover) -> None:
        self._takeover = takeover

    def __getitem__(self, which: str | Breaker) -> BreakerHandle:
        """Return the breaker of that name, or that breaker.

        Raises:
            BreakerLookupError: none has this name, or a test drives that breaker itself; a
                KeyError.
        """
        return BreakerHandle(find(self._takeover, which), self._takeover)

    def __iter__(self) -> Iterator[BreakerHandle]:
        """Iterate over those that are taken over at present, in the order they were made."""
        return iter([BreakerHandle(breaker, self._takeover) for breaker in self._takeover.breakers])

    def __len__(self) -> int:
        return len(self._takeover.breakers)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(map(repr, self.names))}>"

    @property
    def names(self) -> list[str]:
        """Return the names of all."""
        return list(dict.fromkeys(breaker.name for breaker in self._takeover.breakers))

    @property
    def now(self) -> float:
        """Return the time of the clock in seconds; `advance` moves it."""
        return self._takeover.clock.now

    def advance(self, seconds: float) -> None:
        """Let time pass for all breakers: waits end, windows empty, each at its own time.

        Raises:
            ValueError: `seconds` is negative, or not a finite number.
        """
        self._takeover.clock.advance(seconds)

    @property
    def events(self) -> EventLog:
        """Return the events of all breakers since the test began, in order."""
        return EventLog(event for _, event in self._takeover.events)

    @property
    def memory(self) -> float | None:
        """Used share of the memory limit, from 0 to 1; None, as at the start: unknown."""
        return self._takeover.memory

    @memory.setter
    def memory(self, share: float | None) -> None:
        if share is not None and not 0 <= share <= 1:
            raise ValueError(f"memory is {share!r}; give the used share, 0 to 1, or None")
        self._takeover.memory = share
        self._takeover.read_now()

    @property
    def load(self) -> LoadReading:
        """Load of the machine; at the start all its figures are unknown."""
        return self._takeover.load

    @load.setter
    def load(self, reading: LoadReading) -> None:
        self._takeover.load = reading
        self._takeover.read_now()
