"""The picture of the last minutes."""

from __future__ import annotations

import pytest

from tests.unit.alerts.conftest import World


@pytest.fixture(autouse=True)
def _one_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Breakers and alerting agree on what time it is."""
    monkeypatch.setattr("time.time", world.wall)
    world.registry = world.make_registry()


def test_it_is_attached_after_all_else_is_told(world: World) -> None:
    world.alerts["attach_chart"] = True
    world.start()
    world.slow()
    world.after(5)
    (alert,) = world.emulator.alerts()
    assert [attachment.name for attachment in alert.attachments] == ["last-minutes.png"]
    writes = [entry.path for entry in world.emulator.requests if entry.method == "POST"]
    assert writes[-1].endswith("/attachments")


def test_none_is_drawn_where_memory_is_short(world: World) -> None:
    world.alerts["attach_chart"] = True
    world.start()
    world.memory = 0.95
    world.clock.advance(1)
    world.registry.get().tick()
    world.after()
    (alert,) = world.emulator.alerts()
    assert alert.attachments == []
