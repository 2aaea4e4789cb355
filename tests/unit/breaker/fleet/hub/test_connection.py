from __future__ import annotations

from typing import Any

import pytest
from redis import exceptions as errors

from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.hub.redis.connection import Connection
from breakerd.breaker.fleet.hub.redis.facts import ServerFacts
from breakerd.breaker.fleet.hub.redis.problems import explain
from breakerd.breaker.fleet.hub.redis.script import Client, script_text


class Server:
    """Server that answers as the test says."""

    def __init__(self, version: str = "7.2.4") -> None:
        self.version = version
        self.failure: Exception | None = None
        self.asked = 0
        self.closed = False

    def execute_command(self, *arguments: Any, **_: Any) -> Any:
        self.asked += 1
        if self.failure:
            raise self.failure
        return {"redis_version": self.version} if arguments[0] == "INFO" else b"answer"

    def close(self) -> None:
        self.closed = True


class Setting:
    def __init__(self, version: str = "7.2.4") -> None:
        self.now = 100.0
        self.chance = 0.5
        self.server = Server(version)
        self.made = 0
        self.connection = Connection(
            self._connect, "key", 1.0, lambda: self.now, lambda: self.chance
        )

    def _connect(self) -> Client:
        self.made += 1
        return self.server

    def ask(self) -> bytes:
        return bytes(self.connection.run(lambda client: client.execute_command("PING")))

    def refused(self) -> str:
        with pytest.raises(HubUnavailableError) as failure:
            self.ask()
        return str(failure.value)


@pytest.fixture
def setting() -> Setting:
    return Setting()


def test_it_is_made_when_it_is_needed(setting: Setting) -> None:
    assert setting.made == 0
    assert [setting.ask(), setting.ask()] == [b"answer", b"answer"]
    assert setting.made == 1


def test_who_lost_it_comes_back_at_a_random_time_within_the_interval(setting: Setting) -> None:
    setting.ask()
    setting.server.failure = errors.ConnectionError("gone")
    setting.refused()
    asked = setting.server.asked
    setting.now += 0.49
    assert "gone" in setting.refused(), "without asking"
    assert setting.server.asked == asked
    setting.server.failure = None
    setting.now += 0.02
    assert setting.ask() == b"answer"


def test_a_problem_is_told_when_it_begins_changes_and_ends(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "breakerd")
    setting.chance = 0.0
    setting.ask()
    for failure in (
        errors.TimeoutError("read from h:1"),
        errors.TimeoutError("read from h:2"),
        errors.ReadOnlyError("READONLY You can't write"),
        None,
        None,
    ):
        setting.server.failure = failure
        if failure:
            setting.refused()
        else:
            setting.ask()
    told = [each.getMessage() for each in caplog.records]
    lost = "hub lost, each process decides alone problem=the server"
    assert [text.partition(" (")[0] for text in told] == [
        f"{lost} does not answer in time",
        f"{lost} is a replica: name the primary, or use sentinels",
        "hub works again",
    ]


def test_a_server_that_is_too_old_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    setting = Setting("5.0.7")
    assert setting.refused() == "Redis 5.0.7 is too old: Redis 6 or newer, or Valkey"
    setting.now += 1
    setting.refused()
    assert len(caplog.records) == 1
    setting.server.version = "6.0.0"
    setting.now += 1
    assert setting.ask() == b"answer"


def test_closing_lets_the_next_one_connect_again(setting: Setting) -> None:
    setting.ask()
    setting.connection.close()
    assert setting.server.closed
    setting.ask()
    assert setting.made == 2


def test_a_bug_is_no_loss(setting: Setting) -> None:
    with pytest.raises(ZeroDivisionError):
        setting.connection.run(lambda _: 1 // 0)
    assert setting.connection.problem == ""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (errors.AuthenticationError("invalid"), "refuses the password"),
        (errors.ResponseError("WRONGPASS invalid username"), "refuses the password"),
        (errors.NoPermissionError("this user has no permissions"), "lacks a right"),
        (errors.ResponseError("NOPERM this user"), "lacks a right"),
        (errors.ResponseError("OOM command not allowed"), "raise its maxmemory"),
        (errors.ResponseError("MISCONF Redis is configured"), "cannot write to its disk"),
        (errors.BusyLoadingError("Redis is loading"), "loading its data"),
        (errors.ClusterDownError("CLUSTERDOWN Hash slot"), "the cluster is down"),
        (errors.ResponseError("unknown command"), "the server refuses: unknown command"),
        (errors.ConnectionError("Error 111"), "cannot be reached: Error 111"),
        (OSError(), "cannot be reached: OSError()"),
    ],
)
def test_an_error_is_told_with_what_to_do(error: Exception, told: str) -> None:
    assert told in explain(error)


@pytest.mark.parametrize(
    ("policy", "limit", "forgets"),
    [("allkeys-lru", 1, True), ("allkeys-lru", 0, False), ("volatile-lru", 1, False)],
)
def test_a_server_may_forget(policy: str, limit: int, forgets: bool) -> None:
    assert bool(ServerFacts(max_memory=limit, eviction=policy).may_forget()) == forgets


def test_the_script_has_all_its_parts() -> None:
    text = script_text()
    assert text.startswith("-- A hub on Redis")
    assert text.rstrip().endswith("return answer")
    assert max(map(len, text.splitlines())) <= 100
