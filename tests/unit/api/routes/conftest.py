from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd import Registry
from breakerd.alerts.emulator import Emulator
from tests.support.incident_plane import Plane


@pytest.fixture
def plane(registry: Registry, opsgenie_emulator: Emulator, tmp_path: Path) -> Iterator[Plane]:
    made = Plane(registry, opsgenie_emulator, tmp_path / "incidents.db")
    with made.alerting:
        yield made
