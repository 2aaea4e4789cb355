from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fleet_planes import Planes, planes


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Planes]:
    folder = tmp_path / "processes"
    folder.mkdir()
    with planes(folder) as running:
        yield running
