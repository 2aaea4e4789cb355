"""Snapshots of breakers, some of which do not exist yet."""

from collections.abc import Iterable
from os import PathLike

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.persistence.snapshot_file import SnapshotFile, Snapshots


class RestoredSnapshots:
    """Snapshots that were read from a file and no breaker has claimed. Thread-safe."""

    def __init__(self) -> None:
        self._pending: Snapshots = {}

    def read(self, path: str | PathLike[str], breakers: Iterable[Breaker]) -> None:
        """Restore the file's snapshots: now, or when a breaker of that name is created."""
        self._pending = SnapshotFile(path).read()
        for breaker in breakers:
            self.claim(breaker)

    def claim(self, breaker: Breaker) -> None:
        """Restore what was saved of `breaker`, unless an operator has commanded it since.

        No lock may be held: it calls listeners, which may ask for a breaker.
        """
        snapshot = self._pending.pop(breaker.name, None)
        if snapshot is None:
            return
        lifecycle = breaker.lifecycle
        with lifecycle.locked():  # so that no command comes in between, and is undone
            if not lifecycle.commanded and lifecycle.commanded_at <= float(snapshot["saved_at"]):
                breaker.restore(snapshot)

    def write(self, path: str | PathLike[str], breakers: Iterable[Breaker]) -> None:
        """Write the state of `breakers`, and what no breaker has claimed since the restart.

        Raises:
            OSError: it cannot be written; the file is unmodified.
        """
        # In this order: a breaker made meanwhile may claim what is pending.
        pending = dict(self._pending)
        SnapshotFile(path).write(pending | {each.name: each.snapshot() for each in breakers})
