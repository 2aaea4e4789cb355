"""Four processes on one configuration file change different settings of it at the same time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fleet.processes.conftest import calling
from tests.support.fleet_processes import Dependency, forked
from tests.support.polling import until
from tests.support.server_process import Server
from tests.support.setting_changes import (
    FIRST,
    OWN,
    Change,
    Values,
    change_in_turns,
    of_process,
    picked,
    text_with,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "breakers.toml"
    path.write_text(text_with(dict.fromkeys(sum(OWN, ()), FIRST)))
    return path


@pytest.fixture
def changed_over_http(file: Path) -> Iterator[list[Change]]:
    """Four servers on the file."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(Server("--config", file.name, folder=file.parent)) for _ in OWN
        ]
        yield [of_server(stack.enter_context(server.client())) for server in servers]


@pytest.fixture
def changed_in_python(file: Path, dependency: Dependency) -> Iterator[list[Change]]:
    """Four processes on the file, forked from one that had read it; their calls start them."""
    with forked(file, len(OWN)) as processes:
        yield [of_process(process) for process in calling(processes, dependency)]


@pytest.mark.parametrize("way", ["changed_over_http", "changed_in_python"])
def test_no_change_of_any_of_four_processes_is_lost(
    way: str, file: Path, request: pytest.FixtureRequest
) -> None:
    processes: list[Change] = request.getfixturevalue(way)
    with ThreadPoolExecutor(len(processes)) as threads:
        expected: Values = {}
        for last in threads.map(change_in_turns, processes, OWN, [file] * len(OWN)):
            expected |= last
    assert file.read_text() == text_with(expected)
    until(lambda: all(picked(process({}), expected) == expected for process in processes))
    assert not list(file.parent.glob(".breakers.toml.*")), "nothing is left beside it"


def of_server(client: httpx.Client) -> Change:
    def change(values: Values) -> Mapping[str, Any]:
        answer = client.patch("/breakers/dependency/config", json=values)
        assert answer.status_code == 200, answer.text
        settings: Mapping[str, Any] = answer.json()
        return settings

    return change
