"""Membership of a process as its file has it, and what it counts with the others of its host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd import Alerting, Registry
from breakerd.fleet_part import FleetPart
from tests.support.fleet_members import called
from tests.support.polling import until

FILE = "[alerts]\ndatabase = '{folder}/shop.db'\n[fleet]\nhub = '{hub}'\n"


def write(path: Path, hub: str) -> None:
    path.write_text(FILE.format(folder=path.parent, hub=hub))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "breakers.toml"
    write(path, "none")
    return path


@pytest.fixture
def registry(file: Path) -> Iterator[Registry]:
    with Registry.from_file(file, watch=False) as registry:
        yield registry


def test_a_hub_that_comes_with_the_file_begins_the_count(registry: Registry, file: Path) -> None:
    part = FleetPart(registry, "")
    assert registry.config is not None
    part.start()
    assert part.views.host_figures() is None
    write(file, "file")
    assert registry.config.reload()
    try:
        registry.get("payments").trip()
        found = part.views.host_figures()
        assert found is not None
        assert found["payments"].gauges.states == {"OPEN": 1}
        assert (file.parent / "shop-counters.db").exists()
        write(file, "none")
        assert registry.config.reload()
        assert part.views.host_figures() is None
    finally:
        part.close()


def test_a_file_that_is_read_before_the_start_starts_nothing(
    registry: Registry, file: Path
) -> None:
    part = FleetPart(registry, "")
    assert registry.config is not None
    write(file, "file")
    assert registry.config.reload()
    assert part.views.host_figures() is None
    assert not (file.parent / "shop-counters.db").exists()


@pytest.mark.parametrize(("looks_on", "members"), [(True, 0), (False, 1)])
def test_a_control_plane_is_no_member(
    registry: Registry, file: Path, *, looks_on: bool, members: int
) -> None:
    write(file, "file")
    assert registry.config is not None
    assert registry.config.reload()
    part = FleetPart(registry, "", looks_on=looks_on)
    part.start()
    try:
        until(lambda: part.fleet.hub().up)
        assert len(part.views.members()) == members
    finally:
        part.close()


def test_alerts_count_the_processes_that_have_a_breaker(registry: Registry, file: Path) -> None:
    write(file, "file")
    assert registry.config is not None
    assert registry.config.reload()
    alerting = Alerting(registry)
    part = FleetPart(registry, "", alerting)
    assert alerting.fleet.spread("payments") is None, "the hub was not met yet"
    called(registry)
    part.start()
    try:
        until(lambda: _processes(alerting, "payments") == 1)
        assert _processes(alerting, "search") == -1
    finally:
        part.close()


def test_changes_of_settings_are_for_other_hosts_where_the_hub_is_a_server(
    registry: Registry, file: Path
) -> None:
    part = FleetPart(registry, "")
    assert registry.config is not None
    registry.change("default", {"wait_time": 20})
    assert not part._runtime.topics.waits
    write(file, "redis://127.0.0.1:1'\nname = 'shop")
    assert registry.config.reload()
    registry.change("default", {"wait_time": 30})
    assert part._runtime.topics.waits
    assert part.fleet.drift() == []
    assert part.settings is not None
    assert part.settings._kept.path == file.parent / "shop-fleet-revisions.json"


def test_without_a_file_no_settings_are_shared(tmp_path: Path) -> None:
    with Registry() as registry:
        part = FleetPart(registry, str(tmp_path / "state.json"))
        assert part.settings is None
        assert part.fleet.drift() == []


def _processes(alerting: Alerting, breaker: str) -> int:
    alerting.fleet.look()
    spread = alerting.fleet.spread(breaker)
    return spread.processes if spread is not None else -1
