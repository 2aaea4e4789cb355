"""Two processes on each of two hosts, with a file each, change different settings at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.fleet.processes.conftest import calling
from tests.support.fleet_processes import Dependency, Process, started
from tests.support.polling import until
from tests.support.redis_servers import RedisServer
from tests.support.setting_changes import (
    FIRST,
    OWN,
    Values,
    change_in_turns,
    of_process,
    picked,
    text_with,
)
from tests.support.thoroughness import THOROUGH

CHANGES: Final = 100 if THOROUGH else 6
"""Changes that each process makes."""
LIMIT: Final = 60.0


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """The file of each host."""
    made = [tmp_path / host / "breakers.toml" for host in ("a", "b")]
    for path in made:
        path.parent.mkdir()
        path.write_text(text_with(dict.fromkeys(sum(OWN, ()), FIRST)))
    return made


@pytest.fixture
def processes(
    files: list[Path], redis_server: RedisServer, dependency: Dependency
) -> Iterator[list[Process]]:
    fleet = {"BREAKERD_FLEET_HUB": redis_server.url, "BREAKERD_FLEET_NAME": f"shop-{os.getpid()}"}
    with ExitStack() as stack:
        yield calling(
            [
                process
                for path in files
                for process in stack.enter_context(
                    started(path, [{**fleet, "BREAKERD_FLEET_HOST": path.parent.name}] * 2)
                )
            ],
            dependency,
        )


def test_no_change_is_lost_and_both_files_are_the_same_in_the_end(
    files: list[Path], processes: list[Process]
) -> None:
    own_files = [file for file in files for _ in range(2)]
    changes = [of_process(process) for process in processes]
    with ThreadPoolExecutor(len(processes)) as threads:
        expected: Values = {}
        made = threads.map(change_in_turns, changes, OWN, own_files, [CHANGES] * len(OWN))
        for last in made:
            expected |= last
    text = text_with(expected)
    until(lambda: all(file.read_text() == text for file in files), LIMIT)
    until(lambda: all(picked(change({}), expected) == expected for change in changes), LIMIT)
    until(lambda: not any(process.ask("drift") for process in processes), LIMIT)
    # An edit by hand is left alone, and shown where it was made.
    files[1].write_text(text.replace("success_rate = 0.95", "success_rate = 0.9"))
    processes[0].ask("change", {"slo.success_rate": 0.99})
    until(lambda: processes[2].ask("drift"), LIMIT)
    assert not processes[0].ask("drift")
    assert "success_rate = 0.9\n" in files[1].read_text()
