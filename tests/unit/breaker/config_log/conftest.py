from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from breakerd import Registry
from breakerd.api.file_settings import MASKER
from breakerd.breaker.config_log import ConfigLog, ConfigRow
from tests.support.polling import until

if TYPE_CHECKING:
    from breakerd.breaker.config import ConfigFile


class Process:
    """A process of the host, which has the file in use and keeps the log."""

    def __init__(self, file: Path, database: Path) -> None:
        self.registry = Registry.from_file(file, watch=False, memory=lambda: None)
        assert self.registry.config is not None
        self.config: ConfigFile = self.registry.config
        self.log = ConfigLog(self.config, database, MASKER)
        self.log.start()

    def close(self) -> None:
        self.log.close()
        self.registry.close()

    @property
    def latency(self) -> float:
        return self.registry.get().settings.latency_threshold

    def change(self, milliseconds: int) -> None:
        self.registry.change("default", {"latency_threshold": milliseconds})

    def logged(self, number: int) -> list[ConfigRow]:
        """Return the rows, oldest first, once there are so many."""
        until(lambda: len(self.log.rows()) >= number)
        return self.log.rows()[::-1]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "breakers.toml"
    path.write_text('latency_threshold = 500\n[opsgenie]\napi_key = "hidden-1"\nteam = "core"\n')
    return path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "var" / "breakerd-config.db"


@pytest.fixture
def start(file: Path, database: Path) -> Iterator[Callable[[], Process]]:
    """Return a function that starts a process; all are ended with the test."""
    started: list[Process] = []

    def start_one() -> Process:
        started.append(Process(file, database))
        return started[-1]

    yield start_one
    for each in started:
        each.close()
