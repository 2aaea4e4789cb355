"""What a replay reports about where its calls come from."""

from collections.abc import Sequence
from typing import Protocol

from breakerd.breaker.replay.trace.trace import BrokenLine


class CallSource(Protocol):
    """Where the calls of a replay come from: a `Trace`, or a `HistorySource`."""

    @property
    def name(self) -> str:
        """Return its name, for people."""
        ...

    @property
    def form(self) -> str:
        """Return its format."""
        ...

    @property
    def notes(self) -> list[str]:
        """Return what was missing, assumed or left out, as sentences."""
        ...

    @property
    def broken(self) -> Sequence[BrokenLine]:
        """Return lines that could not be read."""
        ...
