"""All that an emulated account holds, and how a write to it is carried out."""

from dataclasses import dataclass, field
from typing import Final

from breakerd.alerts.emulator.state.alerts import AlertBook
from breakerd.alerts.emulator.state.directory import Directory
from breakerd.alerts.emulator.state.heartbeats import HeartbeatBook


@dataclass(frozen=True)
class Account:
    """All that an emulated account holds. Not thread-safe."""

    book: AlertBook = field(default_factory=AlertBook)
    heartbeats: HeartbeatBook = field(default_factory=HeartbeatBook)
    directory: Directory = field(default_factory=Directory)


@dataclass(frozen=True, slots=True)
class Applying:
    """How a write is carried out: perhaps not at all, or `delay` s late instead of as usual."""

    applied: bool = True
    delay: float | None = None


AS_USUAL: Final = Applying()
