"""SIGKILL at any instant: every incident one alert, each stage once, closed at the end."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from breakerd.alerts.emulator import EmulatedAlert, Emulator
from tests.support.embedded_process import Embedded, Nursery
from tests.support.thoroughness import examples
from tests.support.told import told

SERVICES = 4
KILLS = examples(8)
"""Number of kills of each service."""
SETTINGS = """\
[opsgenie]
enabled = true
team = "platform"
environment = "test"
bookmaker_id = "b1"
alert_cooldown_seconds = 0

[alerts]
database = "{folder}/breakerd.db"
resolve_after = 0.3
group_window = 0
retry_limit = 1
attach_chart = false
stages = [
    {{after = 0, priority = "P3"}},
    {{after = 0.3, priority = "P2"}},
    {{after = 0.6, priority = "P1"}},
]
"""


class Life:
    """One breaker after another trips, is escalated and recovers, while the process is killed."""

    def __init__(self, file: Path, emulator: Emulator, nursery: Nursery, seed: int) -> None:
        self.file = file
        self.nursery = nursery
        self.emulator = emulator
        self.random = random.Random(seed)
        self.kills = 0
        self.number = 0
        self.opened: list[str] = []
        self.logs = ""
        self.process = Embedded(file, emulator, nursery=nursery)

    def run(self) -> None:
        while self.kills < KILLS:
            self.number += 1
            name = f"b{self.number}"
            self.opened = [name]
            self.process.tell(f"open {name}")
            self.until(name, "priority P1")
            self.opened = []
            self.process.tell(f"reset {name}")
            self.until(name, "closed")
        self.process.stop()
        self.logs += self.process.log

    def until(self, name: str, what: str) -> None:
        """Waits for that, and kills the process meanwhile, each time at any instant."""

        def reached() -> bool:
            return what in self.history(name)

        deadline = time.monotonic() + 60
        while not reached():
            assert time.monotonic() < deadline, (self.number, self.emulator.alerts(), self.logs)
            lives_for = self.random.uniform(0.0, 1.2)
            if not self.emulator.wait_for(reached, timeout=lives_for) and self.kills < KILLS:
                self.kill()

    def kill(self) -> None:
        self.process.stop(signal.SIGKILL)
        self.logs += self.process.log
        self.kills += 1
        self.process = Embedded(self.file, self.emulator, *self.opened, nursery=self.nursery)

    def history(self, name: str) -> list[str]:
        alerts = [alert for alert in self.emulator.alerts() if alert.entity == name]
        return told(alerts)


@pytest.mark.timeout(900)
def test_killed_at_any_instant_each_thing_is_told_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(SERVICES) as pool:
        list(pool.map(lambda seed: live(tmp_path / str(seed), seed), range(SERVICES)))


def live(folder: Path, seed: int) -> None:
    """Kills one service over and over, and looks at what its receiver has heard in the end."""
    folder.mkdir()
    file = folder / "breakers.toml"
    file.write_text(SETTINGS.format(folder=folder))
    with Emulator(api_keys={"test-key"}, delay=0.02) as emulator, Nursery(emulator) as nursery:
        life = Life(file, emulator, nursery, seed)
        try:
            life.run()
        finally:
            life.process.stop(signal.SIGKILL)
        assert life.kills == KILLS
        assert "test-key" not in life.logs
        check(emulator.alerts(), life.number)


def check(alerts: list[EmulatedAlert], incidents: int) -> None:
    names = [f"b{number}" for number in range(1, incidents + 1)]
    assert Counter(alert.entity for alert in alerts) == Counter(names)
    for alert in alerts:
        steps = [what for what in told(alert) if what != "note"]
        # A stage that passed while the process was dead is passed over.
        without = [step for step in steps if step != "priority P2"]
        assert without == ["created P3", "priority P1", "closed"], alert.entity
        assert len(steps) - len(without) <= 1
        notes = [note.what for note in alert.notes]
        assert len(notes) == len(set(notes)), alert.entity
