"""All that an emulated account holds, and how a write to it is carried out."""

from dataclasses import dataclass, field
from typing import Final

from breakerd.alerts.emulator.state.alerts import AlertStore
from breakerd.alerts.emulator.state.directory import Directory
from breakerd.alerts.emulator.state.heartbeats import HeartbeatStore


@dataclass(frozen=True)
class Account:
    """All that an emulated account holds. Not thread-safe."""

    book: AlertStore = field(default_factory=AlertStore)
    heartbeats: HeartbeatStore = field(default_factory=HeartbeatStore)
    directory: Directory = field(default_factory=Directory)


@dataclass(frozen=True, slots=True)
class WriteMode:
    """How a write is carried out: perhaps not at all, or `delay` s late instead of as usual."""

    applied: bool = True
    delay: float | None = None


DEFAULT_MODE: Final = WriteMode()
