"""The picture of the latest calls."""

from __future__ import annotations

import subprocess

import pytest
from breakerd.alerts.content.chart import draw

from breakerd.alerts.model.content import Chart
from tests.unit.alerts.conftest import World

CHART = Chart("payments: latest 6 calls", (20, 30, 25, 400, 500, 450), 300.0)


def test_it_is_a_small_png() -> None:
    picture = draw(CHART)
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 60_000


def test_what_cannot_be_drawn_is_an_error() -> None:
    with pytest.raises(subprocess.SubprocessError):
        draw(CHART, timeout=0.001)


def test_it_is_attached_after_all_else_is_told(world: World) -> None:
    world.alerts["attach_chart"] = True
    world.start()
    world.slow()
    world.after()
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
