"""The commands that ask or change a running service, against a real one."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.command import Result, run
from tests.support.server_process import Server


def ask(server: Server, *arguments: str) -> Result:
    """Run a command in the folder of the server, where its token is."""
    return run(*arguments, folder=server.folder, BREAKERD_URL=server.url)


def status_of(http: httpx.Client, breaker: str = "default") -> dict[str, Any]:
    answer: dict[str, Any] = http.get(f"/breakers/{breaker}/status").json()
    return answer


def test_status_for_people(server: Server) -> None:
    done = ask(server, "status")
    assert done.code == 0
    assert done.out.split()[:2] == ["default", "CLOSED"]
    assert "no calls; limit 300 ms" in done.out
    assert "breakers.toml" in done.out


def test_status_for_programs(server: Server, http: httpx.Client) -> None:
    done = ask(server, "status", "--json", "--breaker", "payments")
    assert done.code == 0
    shown = json.loads(done.out)
    assert shown["name"] == "payments"
    assert shown["latency_threshold_ms"] == 100
    assert shown.keys() == status_of(http).keys()


def test_the_url_may_be_an_option(server: Server) -> None:
    done = run("status", "--json", "--url", server.url)
    assert (done.code, json.loads(done.out)["state"]) == (0, "CLOSED")


def test_get(server: Server) -> None:
    assert ask(server, "get", "latency_threshold").out == "300\n"
    assert ask(server, "get", "latency_threshold", "-b", "payments").out == "100\n"
    assert ask(server, "get", "recovery.probes", "--json").out == '{"recovery.probes": 3}\n'


def test_get_of_what_is_not_set(server: Server) -> None:
    assert ask(server, "get", "slo").out == "null\n"
    assert ask(server, "get", "slo.timeout").out == "null\n"


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("latncy_threshold", "latency_threshold"),
        ("recovery.probe", "probes"),
        ("slo.timeuot", "timeout"),
        ("opsgenie.taem", "team"),
        ("opsgeni.team", "opsgenie"),
        ("slo.timeout.x", "no key below it"),
    ],
)
def test_get_of_an_unknown_key_names_the_known(server: Server, key: str, allowed: str) -> None:
    done = ask(server, "get", key)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"breakerd: {key}: found unknown key ")
    assert allowed in done.err


def test_set_changes_the_running_breaker_and_the_file(
    server: Server, http: httpx.Client, config: Path
) -> None:
    done = ask(server, "set", "latency_threshold", "450")
    assert (done.code, done.out, done.err) == (0, "450\n", "")
    assert status_of(http)["latency_threshold_ms"] == 450
    assert "450" in config.read_text().splitlines()[1]
    assert "# agreed with the team" in config.read_text()


def test_set_of_the_root_names_the_breakers_that_follow_it(
    server: Server, http: httpx.Client
) -> None:
    done = ask(server, "set", "wait_time", "13", "--json")
    assert (json.loads(done.out), done.err) == ({"wait_time": 13}, "also changes: payments\n")
    assert http.get("/breakers/payments/config").json()["wait_time"] == 13


def test_set_of_one_breaker_leaves_the_others(server: Server, http: httpx.Client) -> None:
    done = ask(server, "set", "recovery.probes", "7", "--breaker", "payments", "--json")
    assert json.loads(done.out) == {"recovery.probes": 7}
    assert http.get("/breakers/payments/config").json()["recovery"]["probes"] == 7
    assert http.get("/breaker/config").json()["recovery"]["probes"] == 3


@pytest.mark.parametrize("value", ["abc", "1", "NaN", "[3]"])
def test_set_of_a_wrong_value_changes_nothing(
    server: Server, http: httpx.Client, config: Path, value: str
) -> None:
    before = config.read_text()
    done = ask(server, "set", "latency_threshold", value)
    assert done.code == 2
    assert done.err.startswith("breakerd: latency_threshold: found ")
    assert done.err.endswith("; allowed: a number ≥ 5, ≤ 86400000 (ms)\n")
    assert done.err.count("\n") == 1
    assert status_of(http)["latency_threshold_ms"] == 300
    assert config.read_text() == before


def test_set_of_an_unknown_key(server: Server) -> None:
    done = ask(server, "set", "latency_treshold", "400")
    assert done.code == 2
    assert "did you mean 'latency_threshold'?" in done.err


def test_a_key_of_the_table_of_a_breaker_says_how_it_is_named(server: Server) -> None:
    done = ask(server, "set", "breakers.payments.wait_time", "4")
    assert done.code == 2
    assert done.err.startswith(
        "breakerd: breakers.payments.wait_time: found a key of [breakers]; allowed: the key below"
    )


def test_set_and_unset_tables_and_single_keys_of_them(
    server: Server, http: httpx.Client, config: Path
) -> None:
    done = ask(server, "set", "slo", "{success_rate=0.95, timeout=2}")
    assert json.loads(done.out) == {"success_rate": 0.95, "timeout": 2.0, "warmup": 60.0}
    assert ask(server, "set", "slo.timeout", "1").out == "1\n"
    assert http.get("/breaker/config").json()["slo"]["timeout"] == 1
    assert ask(server, "set", "recovery", '{"probes": 2, "ramp": [0.5]}').code == 0
    incomplete = ask(server, "unset", "slo.timeout")
    assert (incomplete.code, "found nothing" in incomplete.err) == (2, True)
    assert ask(server, "unset", "slo").out == "null\n"
    assert http.get("/breaker/config").json()["slo"] is None
    assert ask(server, "unset", "latency_threshold").out == "1500\n"
    assert "agreed with the team" not in config.read_text()
    assert ask(server, "unset", "latency_threshold", "-b", "payments", "--json").out == (
        '{"latency_threshold": 1500}\n'
    )
    assert "probes = 2" in config.read_text()


def test_settings_of_the_service(server: Server, http: httpx.Client, config: Path) -> None:
    assert ask(server, "get", "opsgenie.team").out == '"platform"\n'
    assert ask(server, "set", "opsgenie.team", "core").out == '"core"\n'
    assert 'team = "core"  # pages them' in config.read_text()
    assert ask(server, "set", "alerts.resolve_after", "60").out == "60\n"
    assert ask(server, "set", "api.event_streams", "9").out == "9\n"
    assert http.get("/config").json()["api"]["event_streams"] == 9
    assert ask(server, "unset", "opsgenie.team").out == '""\n'
    refused = ask(server, "set", "opsgenie.api_key", "hidden-key")
    assert refused.code == 2
    assert "OPSGENIE_API_KEY" in refused.err
    assert "hidden-key" not in refused.err


def test_trip_and_reset(server: Server, http: httpx.Client) -> None:
    done = ask(server, "trip", "--reason", "they deploy")
    assert (done.code, done.out) == (0, "Breaker tripped: OPEN\n")
    assert status_of(http)["triggered"]
    assert "they deploy" in ask(server, "status").out
    done = ask(server, "reset", "--json")
    assert json.loads(done.out)["state"] == "CLOSED"
    assert not status_of(http)["triggered"]


def test_disable_and_enable_one_breaker(server: Server, http: httpx.Client) -> None:
    assert ask(server, "disable", "--breaker", "payments").code == 0
    assert not status_of(http, "payments")["enabled"]
    assert status_of(http)["enabled"]
    assert ask(server, "enable", "--breaker", "payments").code == 0
    assert status_of(http, "payments")["enabled"]


def test_what_the_state_forbids_fails_with_the_servers_words(server: Server) -> None:
    ask(server, "disable")
    done = ask(server, "trip")
    assert (done.code, done.out) == (1, "")
    assert "DISABLED" in done.err


def test_an_unknown_breaker(server: Server) -> None:
    done = ask(server, "trip", "--breaker", "../default")
    assert done.code == 1
    assert done.err.count("\n") == 1


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks for a token."""
    tokens = {"BREAKERD_TOKEN": "full-secret", "BREAKERD_READ_TOKEN": "read-secret"}
    with Server(folder=tmp_path_factory.mktemp("locked"), environment=tokens) as server:
        yield server


def test_tokens(locked: Server) -> None:
    assert ask(locked, "status").code == 1
    assert ask(locked, "status", "--token", "wrong").code == 1
    assert ask(locked, "trip", "--token", "full-secret").code == 0
    assert run("reset", BREAKERD_URL=locked.url, BREAKERD_TOKEN="full-secret").code == 0


def test_the_read_token_is_for_reading(locked: Server) -> None:
    assert run("status", BREAKERD_URL=locked.url, BREAKERD_READ_TOKEN="read-secret").code == 0
    done = run("trip", BREAKERD_URL=locked.url, BREAKERD_READ_TOKEN="read-secret")
    assert done.code == 1
    assert "read-secret" not in done.err


def test_no_service_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    done = run("status", "--url", f"http://127.0.0.1:{port}")
    assert (done.code, done.out) == (1, "")
    assert "Is `breakerd serve` running there?" in done.err


@pytest.mark.parametrize("url", ["here", "ftp://127.0.0.1", "http://127.0.0.1:port"])
def test_no_address(url: str) -> None:
    done = run("status", "--url", url)
    assert done.code == 2
    assert "http://127.0.0.1:8080" in done.err


@pytest.mark.parametrize(
    "arguments",
    [["frobnicate"], ["set", "latency_threshold"], ["serve", "--port", "70000"], ["--verbose"]],
)
def test_wrong_usage(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Usage: breakerd" in done.err


def test_version_and_help() -> None:
    assert run("--version").out.startswith("breakerd 0.")
    done = run("--help")
    assert done.code == 0
    for command in ("serve", "check", "status", "get", "set", "unset", "trip", "demo", "emulator"):
        assert command in done.out
