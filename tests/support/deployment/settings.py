"""The file of a service under test, and what breakerd keeps beside it."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from pathlib import Path

from breakerd.alerts.emulator import Emulator
from tests.support.deployment.processes import open_files

TEXT = """\
error_threshold = 0.5
minimum_calls = 5
latency_threshold = 1500
memory_threshold = 99
wait_time = 1

[breakers.payments]

[recovery]
probes = 1
ramp = []
max_wait_time = 0

[opsgenie]
enabled = true
team = "platform"
environment = "PROD"
bookmaker_id = "b"
alert_cooldown_seconds = 0

[alerts]
resolve_after = 1
group_window = 0
request_timeout = 120  # a lease lasts longer, so whoever waits for its end is noticed
attach_chart = false
"""


class ServiceFolder:
    """A folder with a file of settings, in which a service runs.

    Args:
        path: the folder.
        file: the file's path in it.
    """

    def __init__(self, path: Path, file: str = "breakers.toml") -> None:
        self.path = path
        self.file = path / file
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(TEXT)

    @property
    def kept(self) -> Path:
        """Folder with all that breakerd keeps."""
        return self.path / "var"

    def edit_in_place(self, threshold: int) -> None:
        """Set `latency_threshold` as an editor does that writes into the file."""
        self.file.write_text(self._edited(threshold))

    def edit_by_rename(self, threshold: int) -> None:
        """Set `latency_threshold` as an editor does that replaces the file."""
        new = self.file.with_suffix(".new")
        new.write_text(self._edited(threshold))
        os.replace(new, self.file)  # noqa: PTH105 - the call that editors make

    def _edited(self, threshold: int) -> str:
        return TEXT.replace("latency_threshold = 1500", f"latency_threshold = {threshold}")

    def lock_files(self) -> list[Path]:
        """Return the locks by which processes show that they live and may send."""
        return list(self.kept.glob("breakerd.db.*.lock"))

    def leader(self) -> str:
        """Return the id of the process that holds the lease; empty if none does."""
        database = f"file:{self.kept}/breakerd.db?mode=ro"
        with contextlib.closing(sqlite3.connect(database, uri=True, timeout=30)) as connection:
            found = connection.execute("SELECT holder FROM lease").fetchone()
        return str(found[0]) if found else ""

    def sender(self, pids: set[int]) -> int | None:
        """Return which of the processes holds the lease, and so sends alerts; None if none does.

        Nor while another one looks whether the holder lives: that has its lock file open, too.
        """
        lock = self.kept / f"breakerd.db.{self.leader()}.lock"
        holders = [pid for pid in pids if lock in open_files(pid)]
        return holders[0] if len(holders) == 1 else None

    def states_saved_since(self, timestamp: float) -> int:
        """Return how many processes have saved their state since then, each to its own file."""
        saved = [json.loads(each.read_text()) for each in self.kept.glob("breakers*.json")]
        return sum(
            "payments" in each["breakers"] and each["saved_at"] > timestamp for each in saved
        )


def variables(folder: ServiceFolder, emulator: Emulator) -> dict[str, str]:
    """Return the environment of a service that runs in a folder, and pages that emulator."""
    return {
        "SERVICE_FILE": str(folder.file),
        "OPSGENIE_API_URL": emulator.url,
        "OPSGENIE_API_KEY": "test-key",
    }
