"""A hub that goes away, hangs, forgets or refuses: nothing opens, nothing closes, calls go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.support.fleet_processes import Dependency, Process
from tests.support.polling import until
from tests.support.redis_servers import RedisServer

pytestmark = pytest.mark.needs("redis-server")

PASSWORD = "geheim"
AWAY = "the hub is away"
Fault = Callable[[RedisServer], AbstractContextManager[None]]


@contextmanager
def killed(server: RedisServer) -> Iterator[None]:
    server.stop()
    yield
    server.start()


@contextmanager
def suspended(server: RedisServer) -> Iterator[None]:
    with server.suspended():
        yield


@contextmanager
def another_password(server: RedisServer) -> Iterator[None]:
    server.execute("CONFIG", "SET", "requirepass", PASSWORD)
    server.client(PASSWORD).execute_command("CLIENT", "KILL", "TYPE", "normal")  # type: ignore[no-untyped-call] # of redis-py
    yield
    server.client(PASSWORD).config_set("requirepass", "")


@contextmanager
def out_of_memory(server: RedisServer) -> Iterator[None]:
    server.execute("CONFIG", "SET", "maxmemory", 1)
    yield
    server.execute("CONFIG", "SET", "maxmemory", 0)


@pytest.mark.parametrize(
    "fault", [killed, suspended, another_password, out_of_memory], ids=lambda each: each.__name__
)
def test_while_the_hub_is_away_each_process_goes_on_alone(
    fault: Fault,
    pods: list[Process],
    redis_server: RedisServer,
    dependency: Dependency,
) -> None:
    before = states(pods)
    with fault(redis_server):
        until(lambda: not any(process.ask("hub_up") for process in pods))
        some_calls(dependency)
        text, _ = pods[0].ask("command", "disable")
        assert AWAY in text
        assert pods[0].ask("state") == "DISABLED"
        assert states(pods[1:]) == before[1:], "nothing happens to the others"
    until(lambda: all(process.ask("hub_up") for process in pods))
    for process in pods[1:]:
        process.wait_for("DISABLED")  # the mode was kept for them
    text, _ = pods[1].ask("command", "enable")
    assert text == "applied 4, waiting 0, silent 0, without this breaker 0"
    until(lambda: {process.ask("state") for process in pods} == {"CLOSED"})
    assert not dependency.failures()


def test_a_hub_that_forgets_everything_opens_and_closes_nothing(
    pods: list[Process], redis_server: RedisServer, dependency: Dependency
) -> None:
    pods[0].ask("command", "observe")
    for process in pods:
        process.wait_for("OBSERVE")
    before = states(pods)
    redis_server.execute("FLUSHALL")
    until(lambda: all(len(process.ask("members")) == len(pods) for process in pods))
    some_calls(dependency)
    assert states(pods) == before, "the mode is brought back"
    text, _ = pods[3].ask("command", "enable")
    assert text == "applied 4, waiting 0, silent 0, without this breaker 0"


def states(processes: list[Process]) -> list[int]:
    """Number of states that the breaker of each process has been in."""
    return [len(process.states) for process in processes]


def some_calls(dependency: Dependency) -> None:
    """Wait for a hundred calls more: those of about a second on a quiet machine."""
    calls = len(dependency.calls)
    until(lambda: len(dependency.calls) >= calls + 100)
