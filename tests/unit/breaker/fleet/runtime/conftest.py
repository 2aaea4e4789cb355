from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.fleet_members import BreakableHub, Member


@pytest.fixture
def hub() -> BreakableHub:
    return BreakableHub()


@pytest.fixture
def make(hub: BreakableHub, tmp_path: Path) -> Iterator[Callable[..., Member]]:
    """Make started members of one fleet; they end with the test."""
    made: list[Member] = []

    def make(name: str, **options: Any) -> Member:
        made.append(Member(hub, tmp_path, name, **options))
        return made[-1].start()

    yield make
    for each in made:
        each.close()
