"""Emulated account, and how writes to it are executed."""

from dataclasses import dataclass, field
from typing import Final

from breakerd.alerts.emulator.state.alerts import AlertStore
from breakerd.alerts.emulator.state.directory import Directory
from breakerd.alerts.emulator.state.heartbeats import HeartbeatStore


@dataclass(frozen=True)
class EmulatedAccount:
    """Content of an emulated account. Not thread-safe."""

    alerts: AlertStore = field(default_factory=AlertStore)
    heartbeats: HeartbeatStore = field(default_factory=HeartbeatStore)
    directory: Directory = field(default_factory=Directory)


@dataclass(frozen=True, slots=True)
class WriteMode:
    """Mode of a write: not executed, or executed after `delay` seconds; None: the usual delay."""

    applied: bool = True
    delay: float | None = None


DEFAULT_MODE: Final = WriteMode()
