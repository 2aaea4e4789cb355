"""Settings of three hosts end up the same, in whatever order they change, meet and restart."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fleet_members import BreakableHub
from tests.support.hosts_with_files import Host, revisions
from tests.support.thoroughness import examples

NAMES: Final = ("a", "b", "c")
KEYS: Final = ("latency_threshold", "wait_time", "recovery.probes")
MEETINGS: Final = 5
"""Exchanges of each host after which all must be the same."""

steps = st.one_of(
    st.tuples(st.just("change"), st.sampled_from(NAMES), st.sampled_from(KEYS), st.integers(5, 8)),
    st.tuples(st.just("remove"), st.sampled_from(NAMES), st.sampled_from(KEYS)),
    st.tuples(st.sampled_from(["meet", "cut", "restart"]), st.sampled_from(NAMES)),
    st.tuples(st.just("wipe")),
)


class Fleet:
    """Three hosts on one hub; the hub's time passes with each change."""

    def __init__(self, folder: Path) -> None:
        self.hub = BreakableHub()
        self.folder = folder
        self.time = count(int(time.time()))
        self.hosts = {name: self._host(name) for name in NAMES}

    def _host(self, name: str) -> Host:
        host = Host(self.hub, self.folder, name)
        host.member.fleet.hub_time = lambda: float(next(self.time))  # type: ignore[method-assign]
        return host

    def change(self, name: str, key: str, value: int | None) -> None:
        self.hosts[name].member.registry.change("payments", {key: value})

    def remove(self, name: str, key: str) -> None:
        self.change(name, key, None)

    def meet(self, name: str) -> None:
        self.hosts[name].meet()

    def cut(self, name: str) -> None:
        """Let a host meet nobody."""
        self.hub.away = True
        self.hosts[name].meet()
        self.hub.away = False

    def restart(self, name: str) -> None:
        """End a process after its last look; another one begins."""
        self.cut(name)
        self.hosts[name].close()
        self.hosts[name] = self._host(name)

    def wipe(self) -> None:
        self.hub.inner.wipe()

    def close(self) -> None:
        for host in self.hosts.values():
            host.close()


@given(st.lists(steps, max_size=12))
@settings(max_examples=examples(15))
def test_all_hosts_have_the_same_settings_in_the_end(run: list[tuple[str, ...]]) -> None:
    with TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder))
        try:
            for name, *arguments in run:
                getattr(fleet, name)(*arguments)
            for _ in range(MEETINGS):
                for name in NAMES:
                    fleet.meet(name)
            one, *others = fleet.hosts.values()
            assert all(host.settings() == one.settings() for host in others)
            assert not [host.drift for host in fleet.hosts.values() if host.drift]
            written = revisions(fleet.hub)
            for name in NAMES:
                fleet.meet(name)
            assert revisions(fleet.hub) == written, "nobody writes any more"
        finally:
            fleet.close()
