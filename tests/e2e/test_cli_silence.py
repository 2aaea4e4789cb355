"""`breakerd silence` against a real service."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd.alerts.emulator import Emulator
from tests.support.command import Result, run
from tests.support.server_process import Server

CONFIG = """\
[breakers.payments]
[opsgenie]
enabled = true
team = "payments"
environment = "prod"
bookmaker_id = "b1"
[alerts]
attach_chart = false
[alerts.maintenance.nightly]
begins = "02:00"
ends = "04:00"
matchers = ["breaker=orders"]
reason = "backups"
"""


@pytest.fixture
def server(tmp_path: Path, opsgenie_emulator: Emulator) -> Iterator[Server]:
    tmp_path.joinpath("breakers.toml").write_text(CONFIG)
    environment = {"OPSGENIE_API_URL": opsgenie_emulator.url, "OPSGENIE_API_KEY": "test-key"}
    with Server("--config", "breakers.toml", folder=tmp_path, environment=environment) as made:
        yield made


def silence(server: Server, *arguments: str) -> Result:
    return run("silence", *arguments, folder=server.folder, BREAKERD_URL=server.url)


def test_what_is_silenced_is_told_when_the_silence_ends(
    server: Server, opsgenie_emulator: Emulator
) -> None:
    made = silence(
        server, "add", "--match", "breaker=pay*", "--match", "kind=open", "--for", "2h",
        "--reason", "a rehearsal", "--author", "ann",
    )  # fmt: skip
    assert made.code == 0, made.err
    number, *effect = made.out.splitlines()
    assert effect == ["matches 1 breaker: payments", "matches no open incidents"]
    assert made.err == ""
    with server.client() as client:
        client.post("/breakers/payments/trip", json={"reason": "x"}).raise_for_status()
        for _ in range(100):
            (alert,) = client.get("/alerts").json()["alerts"] or [{"muted_by": ""}]
            if alert["muted_by"]:
                break
        assert alert["muted_by"].startswith("silenced by ann until ")
        assert alert["muted_by"].endswith(": a rehearsal")
        entries = client.get("/audit").json()["entries"]
        assert entries[1]["action"] == "add silence"
    listed = silence(server, "list").out
    assert number in listed
    assert "breaker=pay*, kind=open" in listed
    assert "nightly" in listed
    assert opsgenie_emulator.alerts() == []
    assert silence(server, "end", number).code == 0
    assert opsgenie_emulator.wait_for(opsgenie_emulator.alerts, 30)
    assert json.loads(silence(server, "list", "--json").out)["silences"] == []


def test_a_silence_that_matches_nothing_is_refused_or_warned_of(server: Server) -> None:
    common = ("--for", "1h", "--reason", "x", "--match")
    refused = silence(server, "add", *common, "braeker=payments")
    assert (refused.code, refused.out) == (2, "")
    assert "no alert has a label 'braeker' (did you mean 'breaker'?)" in refused.err
    forced = silence(server, "add", *common, "braeker=payments", "--force")
    assert forced.code == 0
    assert forced.err.startswith("warning: no alert has a label 'braeker'")
    with server.client() as client:
        client.post("/breakers/payments/trip", json={"reason": "x"}).raise_for_status()
        for _ in range(100):
            if alerts := client.get("/alerts").json()["alerts"]:
                break
    other = silence(server, "add", *common, "breaker=paymnts")
    assert other.code == 0
    assert other.err == "warning: no breaker is named 'paymnts' (did you mean 'payments'?)\n"
    every = silence(server, "add", *common, "kind=open")
    line = f"matches 1 open incident: {alerts[0]['id']} {alerts[0]['message']}"
    assert every.out.splitlines()[2] == line
    told = json.loads(silence(server, "add", *common, "breaker=paymnts", "--json").out)
    assert told["matches"] == {"breakers": [], "incidents": []}
    with server.client() as client:
        assert client.get("/audit?limit=1").json()["entries"][0]["user"] == getpass.getuser()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["add", "--for", "2 weeks", "--reason", "x"], "allowed: a number with s, m, h or d"),
        (["add", "--reason", "x"], "give either --for or --until"),
        (["add", "--for", "1h", "--reason", "x", "--match", "nonsense"], "matchers"),
        (["end", "nightly"], "[alerts.maintenance.nightly] in the file"),
        (["end", "none"], "Unknown silence 'none'"),
    ],
)
def test_mistakes_are_told(server: Server, arguments: list[str], complaint: str) -> None:
    result = silence(server, *arguments)
    assert result.code in {1, 2}
    assert complaint in result.err
