from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd.alerts.emulator import EmulatedAlert, Emulator
from tests.support.embedded_process import Embedded
from tests.support.told import told

SETTINGS = """\
[opsgenie]
enabled = true
team = "platform"
environment = "test"
bookmaker_id = "b1"
alert_cooldown_seconds = 0
time_before_send_alert = {escalated_after}

[alerts]
database = "{folder}/breakerd.db"
resolve_after = 0.5
group_window = 0
retry_limit = 1
attach_chart = false
{more}
"""


class Place:
    """A folder with settings, the emulator that is paged, and the processes that run there."""

    def __init__(self, folder: Path, emulator: Emulator) -> None:
        self.folder = folder
        self.emulator = emulator
        self.file = folder / "breakers.toml"
        self.database = folder / "breakerd.db"
        self.processes: list[Embedded] = []
        self.write()

    def write(self, more: str = "", *, escalated_after: int = 0) -> None:
        self.file.write_text(
            SETTINGS.format(folder=self.folder, more=more, escalated_after=escalated_after)
        )

    def start(self, *opened: str, **environment: str) -> Embedded:
        process = Embedded(self.file, self.emulator, *opened, environment=environment)
        self.processes.append(process)
        return process

    def alerts(self, breaker: str) -> list[EmulatedAlert]:
        return [alert for alert in self.emulator.alerts() if alert.entity == breaker]

    def history(self, breaker: str) -> list[str]:
        """History of the one alert of that breaker."""
        alerts = self.alerts(breaker)
        assert len(alerts) <= 1, (
            "one incident, one alert",
            [[f"{each.at} {each.what}" for each in alert.history] for alert in alerts],
            [process.log for process in self.processes],
        )
        return told(alerts)

    def wait_for(self, breaker: str, what: str, timeout: float = 60.0) -> None:
        found = self.emulator.wait_for(
            lambda: any(each.startswith(what) for each in self.history(breaker)), timeout
        )
        assert found, (self.history(breaker), [process.log for process in self.processes])


@pytest.fixture
def place(tmp_path: Path, opsgenie_emulator: Emulator) -> Iterator[Place]:
    made = Place(tmp_path, opsgenie_emulator)
    yield made
    for process in made.processes:
        process.stop(signal.SIGKILL)
        assert "test-key" not in process.log
        assert "Traceback" not in process.log
