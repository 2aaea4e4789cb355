"""Four processes on one configuration file change different settings of it at the same time."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from string import Template
from typing import Any, Final

import httpx
import pytest

from tests.fleet.processes.conftest import calling
from tests.support.fleet_processes import Dependency, Process, forked
from tests.support.polling import until
from tests.support.server_process import Server
from tests.support.thoroughness import THOROUGH

CHANGES: Final = 100 if THOROUGH else 15
"""Changes that each process makes."""
FIRST: Final = 20
"""Value of each setting before; each change gives a higher one."""
FILE: Final = Template("""\
# Four processes write here.
percentile = 0.9 # of all breakers

[breakers.dependency]
# agreed with the team
latency_threshold = $latency_threshold # ms
latency_window_size = $latency_window_size
minimum_calls = $minimum_calls # see the runbook
latency_max_age   =   $latency_max_age
wait_time = $wait_time # s
trend_analysis_min_sample_count = $trend_analysis_min_sample_count
recovery = { probes = $recovery_probes, step_time = $recovery_step_time } # kept on one line
limiter.min_limit = $limiter_min_limit

[breakers.dependency.slo] # from the contract
success_rate = 0.95
timeout = 0.5
warmup = $slo_warmup

# Whoever is on call.
[opsgenie]
team = 'core'
""")
OWN: Final = (
    ("latency_threshold", "recovery.probes", "latency_window_size"),
    ("minimum_calls", "recovery.step_time", "latency_max_age"),
    ("wait_time", "limiter.min_limit"),
    ("trend_analysis_min_sample_count", "slo.warmup"),
)
"""Settings that each of the processes changes, in turns."""

Values = dict[str, int]
Change = Callable[[Values], Mapping[str, Any]]
"""Changes settings in one process, and returns those in force in it; {} changes none."""


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


def change_in_turns(change: Change, keys: tuple[str, ...], file: Path) -> Values:
    """Change one setting after the other; return their last values.

    No change hides that an earlier one was lost: all are looked for in the file after each.
    """
    values = dict.fromkeys(keys, FIRST)
    for number in range(1, CHANGES + 1):
        key = keys[number % len(keys)]
        values[key] = FIRST + number
        in_force = change({key: values[key]})
        assert picked(in_force, values) == values, "in force where it was changed"
        written = tomllib.loads(file.read_text())["breakers"]["dependency"]
        assert picked(written, values) == values, "in the file"
    return values


def of_server(client: httpx.Client) -> Change:
    def change(values: Values) -> Mapping[str, Any]:
        answer = client.patch("/breakers/dependency/config", json=values)
        assert answer.status_code == 200, answer.text
        settings: Mapping[str, Any] = answer.json()
        return settings

    return change


def of_process(process: Process) -> Change:
    def change(values: Values) -> Mapping[str, Any]:
        answer = process.ask("change", values)
        assert isinstance(answer, dict), answer
        return answer

    return change


def picked(settings: Mapping[str, Any], keys: Values) -> Values:
    """Return the settings of these dotted names."""
    found = {}
    for key in keys:
        value: Any = settings
        for name in key.split("."):
            value = value[name]
        found[key] = value
    return found


def text_with(values: Values) -> str:
    return FILE.substitute({key.replace(".", "_"): value for key, value in values.items()})
