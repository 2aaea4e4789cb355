"""One incident after another, while whoever sends alerts is killed again and again."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from tests.support.fleet_hosts import Service
from tests.support.fleet_processes import Dependency
from tests.support.thoroughness import THOROUGH
from tests.support.told import told

STAGES: Final = """
stages = [{after = 0, priority = "P3"}, {after = 0.5, priority = "P1"}]
"""
"""Belongs to `[alerts]` of each host: an incident is over soon."""
TIMES: Final = {"breakerd.breaker.fleet.runtime.commands:ANSWER_TIME": 0.3}
"""Nobody waits for the answers of those that were killed."""
_IN_TIME: Final = ["created P3", "priority P1", "closed"]
_LATE: Final = ["created P1", "closed"]
"""Steps of an alert that nobody could send before its second stage was due."""
_LONGEST_LIFE: Final = 1.2
"""Maximum number of seconds that a sender is left alive while an incident goes on."""
_PATIENCE: Final = 180.0
"""Maximum number of seconds from a command until the receiver has heard of it."""


class SenderKills:
    """Incidents of a service by an operator's commands, with the sender killed at any instant.

    Args:
        service: the running service.
        dependency: what its processes call.
        kills: number of senders to kill.
        seed: seed of the instants.
    """

    def __init__(
        self, service: Service, dependency: Dependency, *, kills: int, seed: int = 0
    ) -> None:
        self._service = service
        self._dependency = dependency
        self._kills = kills
        self._random = random.Random(seed)
        self.incidents = 0

    def run(self) -> None:
        """Have incidents until all kills are done; leave none open."""
        while self._kills:
            self.incidents += 1
            self._command("force_open")
            self._until(lambda: not {"priority P1", _LATE[0]}.isdisjoint(self._latest()))
            self._command("enable")
            self._until(lambda: "closed" in self._latest())

    def check(self) -> None:
        """Assert that each incident was one alert, and that each thing was told once."""
        alerts = self._service.emulator.alerts()
        assert len(alerts) == self.incidents, [each.alias for each in alerts]
        for alert in alerts:
            steps = [what for what in told(alert) if what != "note"]
            if not THOROUGH:
                # Where a hub had no time to take what is about to be sent, the next sender repeats
                # it: a priority that the alert has already, which notifies nobody.
                steps = list(dict.fromkeys(steps))
            assert steps in (_IN_TIME, _LATE), (alert.alias, steps)
            notes = [note.what for note in alert.notes]
            assert not THOROUGH or len(notes) == len(set(notes)), (alert.alias, notes)

    def _command(self, name: str) -> None:
        commander = self._random.choice(self._service.processes)
        text, _ = commander.ask("command", name)
        assert "applied" in text, text

    def _latest(self) -> list[str]:
        """Return what people were told of the present incident."""
        alerts = self._service.emulator.alerts()
        return told(alerts[-1]) if len(alerts) >= self.incidents else []

    def _until(self, reached: Callable[[], bool]) -> None:
        """Wait for that, and kill the sender meanwhile."""
        emulator = self._service.emulator
        while self._kills:
            lives_for = self._random.uniform(0.0, _LONGEST_LIFE)
            if emulator.wait_for(reached, lives_for):
                return
            self._replace_sender()
        assert emulator.wait_for(reached, _PATIENCE), (self.incidents, emulator.alerts())

    def _replace_sender(self) -> None:
        """Kill who sends, and start another process on its host."""
        sender = self._service.sender()
        host = self._service.host_of(sender)
        self._service.kill(sender)
        self._kills -= 1
        (successor,) = self._service.start(host)
        successor.ask("call", self._dependency.port)
