"""`breakerd drill` and `breakerd audit` against a real service that pages a real emulator."""

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
"""


@pytest.fixture
def server(tmp_path: Path, opsgenie_emulator: Emulator) -> Iterator[Server]:
    tmp_path.joinpath("breakers.toml").write_text(CONFIG)
    environment = {"OPSGENIE_API_URL": opsgenie_emulator.url, "OPSGENIE_API_KEY": "test-key"}
    with Server("--config", "breakers.toml", folder=tmp_path, environment=environment) as made:
        yield made


def ask(server: Server, *arguments: str) -> Result:
    return run(*arguments, folder=server.folder, BREAKERD_URL=server.url)


def state(server: Server) -> object:
    return json.loads(ask(server, "status", "-b", "payments", "--json").out)["state"]


def test_a_page_is_rehearsed_without_touching_a_call(
    server: Server, opsgenie_emulator: Emulator
) -> None:
    done = ask(server, "drill", "page", "-b", "payments", "--priority", "P2", "--for", "10s")
    assert (done.code, done.err) == (0, "")
    drill_id, message = done.out.splitlines()
    assert message == "Page drill of P2 started; it closes after 10 s"
    assert opsgenie_emulator.wait_for(opsgenie_emulator.alerts, 30)
    (alert,) = opsgenie_emulator.alerts()
    assert (alert.priority, alert.alias.rsplit(":", 1)[1]) == ("P2", drill_id)
    assert f"page drill by {getpass.getuser()}" in alert.message
    assert state(server) == "CLOSED"
    assert opsgenie_emulator.wait_for(
        lambda: [each for each in opsgenie_emulator.alerts() if each.status == "closed"], 60
    )
    shown = ask(server, "alerts", "show", drill_id).out
    assert "The drill is over after" in shown


def test_drills_of_a_breaker_and_the_audit(server: Server) -> None:
    for kind, ended in (("latency", "Breaker reset: CLOSED"), ("memory", "Memory drill ended")):
        started = ask(server, "drill", kind, "-b", "payments")
        assert (started.code, started.err) == (0, "")
        assert started.out.startswith(f"Breaker tripped by a {kind} drill: OPEN\n")
        assert state(server) == "OPEN"
        assert ask(server, "drill", kind, "-b", "payments", "--end").out.startswith(ended)
    ask(server, "set", "wait_time", "7")
    listed = ask(server, "audit", "--limit", "3", "--breaker", "payments").out
    head, first, *_ = listed.splitlines()
    assert head.split() == ["time", "who", "action", "breaker", "change", "outcome", "detail"]
    assert f"{getpass.getuser()} (127.0.0.1, made token)  end memory drill  payments" in first
    assert "state CLOSED → OPEN" in listed
    assert "wait_time" not in listed
    assert "wait_time 10.0 → 7.0" in ask(server, "audit").out
    entries = json.loads(ask(server, "audit", "--json").out)["entries"]
    assert [each["action"] for each in entries] == [
        "change settings", "end memory drill", "drill memory", "reset", "drill latency",
    ]  # fmt: skip


def test_wrong_usage(server: Server) -> None:
    for arguments, complaint in (
        (("page", "--for", "soon"), "--for: found 'soon'"),
        (("page", "--for", "2s"), "seconds"),
        (("page", "--priority", "P7"), "P7"),
    ):
        done = ask(server, "drill", *arguments)
        assert done.code == 2
        assert complaint in done.err
    assert ask(server, "audit").out == "no changes\n"
