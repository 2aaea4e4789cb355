from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.fleet_members import BreakableHub
from tests.support.hosts_with_files import Host


@pytest.fixture
def hub() -> BreakableHub:
    return BreakableHub()


@pytest.fixture
def make(hub: BreakableHub, tmp_path: Path) -> Iterator[Callable[..., Host]]:
    """Make hosts of one fleet; they end with the test."""
    made: list[Host] = []

    def make(name: str, *more: str, **options: str) -> Host:
        made.append(Host(hub, tmp_path, name, *more, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def one(make: Callable[..., Host]) -> Host:
    return make("a").meet()


@pytest.fixture
def other(make: Callable[..., Host]) -> Host:
    return make("b").meet()
