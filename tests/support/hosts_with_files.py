"""Hosts of a fleet within one process: each with a configuration file of its own."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from breakerd import Registry
from breakerd.breaker.fleet.drift import Drift
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.hub.store import SETTINGS, Entry
from breakerd.breaker.fleet.revisions.revision import Revision, encode
from breakerd.breaker.fleet.revisions.revisions_file import RevisionsFile
from breakerd.breaker.fleet.revisions.settings_follower import SettingsFollower
from tests.support.fleet_members import BreakableHub, Member
from tests.support.fleet_reports import MadeMember

TEXT = """\
# of all hosts
wait_time = 10

[breakers.payments]
latency_threshold = 800
"""


class Host:
    """A process on a host of its own: its file, and its membership of the fleet `shop`.

    Without `start` it exchanges with the hub when the test says so.
    """

    def __init__(
        self, hub: BreakableHub, folder: Path, name: str, text: str = TEXT, file: str = ""
    ) -> None:
        self.path = folder / f"{file or name}.toml"
        if not self.path.exists():
            self.path.write_text(text)
        registry = Registry.from_file(self.path, watch=False, memory=lambda: 0.1)
        assert registry.config is not None
        self.config = registry.config
        self.member = Member(hub, folder, name, registry)
        self.member.runtime._wanted = self.member.settings.model_copy(
            update={"hub": "redis://h", "name": "shop"}
        )
        self.kept = RevisionsFile(folder / f"{file or name}-revisions.json")
        self.follower = SettingsFollower(registry.config, self.member.fleet, self.kept)
        self.member.runtime.on_look = self.follower.look
        self._hub = hub
        self._made = MadeMember(name)
        self._now = 0.0

    def start(self) -> Host:
        """Exchange on a thread from now on."""
        self.member.start()
        return self

    def change(self, breaker: str = "payments", /, **values: object) -> None:
        """Change settings as an operator does."""
        self.member.registry.change(breaker, nested_names(values))

    def meet(self, times: int = 1) -> Host:
        """Exchange with the hub, and do what a look after it does; a second passes each time."""
        for _ in range(times):
            try:
                view = self._hub.exchange(self._made.report())
                self.member.runtime.topics.exchange(self._hub.store, view)
            except HubUnavailableError:
                pass
            self._now += 1.0
            self.follower.look(self._now)
        return self

    def edit(self, old: str, new: str) -> None:
        """Edit the file by hand, and have it read."""
        text = self.path.read_text()
        assert old in text
        self.path.write_text(text.replace(old, new))
        assert self.config.reload()

    @property
    def file(self) -> dict[str, Any]:
        """Values in the file."""
        return tomllib.loads(self.path.read_text())

    @property
    def drift(self) -> list[Drift]:
        """Settings that differ from the fleet here."""
        return self.member.fleet.drift()

    def settings(self, breaker: str = "payments") -> dict[str, Any]:
        """Settings in force."""
        return self.member.registry.get(breaker).settings.model_dump()

    def close(self) -> None:
        self.member.close()


def nested_names(values: dict[str, object]) -> dict[str, object]:
    """Return values by dotted names: `recovery__probes` is `recovery.probes`."""
    return {name.replace("__", "."): value for name, value in values.items()}


def revisions(hub: BreakableHub) -> dict[str, Entry]:
    """Return the revisions that the hub has, by their keys."""
    return {each.key: each for each in hub.inner.store.changes(SETTINGS).entries}


def write_revision(hub: BreakableHub, key: str, revision: Revision) -> None:
    """Write a revision as another version, or somebody else, may."""
    hub.inner.store.write(SETTINGS, key, encode(revision))
