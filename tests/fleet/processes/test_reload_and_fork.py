"""Processes whose `[fleet]` is edited while they run, and one that forks while it is a member."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fleet.processes.conftest import calling
from tests.support.fleet_processes import SETTINGS, Dependency, Process, forking, started
from tests.support.fleet_worker import SPARE
from tests.support.polling import until
from tests.support.redis_servers import RedisServer
from tests.support.server_process import Server

ALL = "applied 4, waiting 0, silent 0, without this breaker 0"
HERE = "applied 1, waiting 0, silent 0, without this breaker 0"


class Edited:
    """A service of four processes, a control plane beside them, and their file."""

    def __init__(self, file: Path, processes: list[Process], control: Server) -> None:
        self.processes = processes
        self._file = file
        self._control = control

    def edit(self, hub: str, more: str = "") -> None:
        """Name another hub in the file, and wait until all have it."""
        new = self._file.with_suffix(".new")
        new.write_text(text_of(hub, more))
        new.replace(self._file)
        kind = hub.partition(":")[0]
        until(lambda: {each.ask("hub_kind") for each in self.processes} == {kind})

    def meet(self) -> None:
        """Wait until each knows all."""
        until(lambda: all(len(each.ask("members")) == 4 for each in self.processes))

    def states(self) -> list[str]:
        return [each.ask("state", SPARE) for each in self.processes]

    def shown(self) -> dict[str, Any]:
        """Return what the control plane shows of the breaker in all processes."""
        with self._control.client() as client:
            found: dict[str, Any] = client.get(f"/breakers/{SPARE}/status").json()
            return found

    def shows(self, members: dict[str, int]) -> bool:
        return bool(self.shown().get("members") == members)


def text_of(hub: str, more: str = "") -> str:
    return f'{SETTINGS}[breakers.{SPARE}]\n[fleet]\nhub = "{hub}"\n{more}'


@pytest.mark.needs("redis-server")
def test_the_hub_is_changed_in_the_file_again_and_again(
    tmp_path: Path, dependency: Dependency, redis_server: RedisServer
) -> None:
    file = tmp_path / "breakers.toml"
    file.write_text(text_of("none"))
    with started(file, [{}] * 4) as processes, Server("--config", file.name, folder=tmp_path) as s:
        for process in processes:
            process.ask("call", dependency.port)
        service = Edited(file, processes, s)
        first, *_, last = processes
        assert first.ask("command", "disable", SPARE)[0] == HERE
        assert service.states() == ["DISABLED", "CLOSED", "CLOSED", "CLOSED"]
        assert first.ask("command", "enable", SPARE)[0] == HERE

        service.edit("file")
        service.meet()
        until(lambda: first.ask("command", "disable", SPARE)[0] == ALL)
        assert service.states() == ["DISABLED"] * 4
        until(lambda: service.shows({"disabled": 4}))

        service.edit(redis_server.url, 'name = "shop"')
        service.meet()
        until(lambda: service.shows({"disabled": 4}))
        until(lambda: last.ask("command", "enable", SPARE)[0] == ALL)
        until(lambda: last.ask("command", "trip", SPARE)[0] == ALL)
        assert set(service.states()) <= {"OPEN", "HALF_OPEN"}
        until(lambda: last.ask("command", "reset", SPARE)[0] == ALL)

        service.edit("none")
        assert first.ask("command", "disable", SPARE)[0] == HERE
        assert service.states() == ["DISABLED", "CLOSED", "CLOSED", "CLOSED"]
        until(lambda: not any("breakerd-fleet" in each.ask("threads") for each in processes))
        assert not any(each.states for each in processes), "the other breaker has not noticed"
    assert not dependency.failures()


def test_a_member_that_forks_goes_on_and_its_child_is_another(
    config: Path, dependency: Dependency
) -> None:
    with forking(config) as (parent, fork):
        calling([parent], dependency)
        child = fork()
        assert "breakerd-fleet" not in child.ask("threads"), "it has called nothing"
        assert "breakerd-fleet" in parent.ask("threads")
        with Server("--config", config.name, folder=config.parent) as control:
            calling([parent, child], dependency)
            both = "applied 2, waiting 0, silent 0, without this breaker 0"
            for one, command, state in (
                (parent, "disable", "DISABLED"),
                (child, "enable", "CLOSED"),
                (child, "trip", "OPEN"),
                (parent, "reset", "CLOSED"),
            ):
                assert one.ask("command", command, SPARE)[0] == both
                assert [each.ask("state", SPARE) for each in (parent, child)] == [state] * 2
            with control.client() as client:
                status = client.get("/breakers/dependency/status").json()
                assert status["members"] == {"closed": 2}
        dependency.down = True
        opened = [each.wait_for("OPEN") for each in (parent, child)]
        dependency.down = False
        for each in (parent, child):
            each.wait_for("CLOSED", since=max(opened))
