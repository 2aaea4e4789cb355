"""The real service against the emulator, while something breaks."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd.alerts.emulator import EmulatedAlert, Emulator
from tests.support.opsgenie_description import assert_request_conforms
from tests.support.polling import until
from tests.support.server_process import Server
from tests.support.told import told

CONFIG = """\
[opsgenie]
enabled = true
team = "platform"
environment = "test"
bookmaker_id = "b1"
alert_cooldown_seconds = 0
time_before_send_alert = 2
{more}

[alerts]
resolve_after = {resolve_after}
retry_limit = 1
"""
LONG = 600
"""Seconds that no test lasts."""


class Site:
    """A folder with a configuration, the emulator it pages, and services that run there."""

    def __init__(self, folder: Path, emulator: Emulator) -> None:
        self.folder = folder
        self.emulator = emulator
        self.file = folder / "breakers.toml"
        self.logs: list[str] = []
        self.servers: list[Server] = []
        self.write("")

    def write(self, more: str, *, resolve_after: float = 1) -> None:
        self.file.write_text(CONFIG.format(more=more, resolve_after=resolve_after))

    def serve(self, key: str | None = "test-key") -> Server:
        environment = {"OPSGENIE_API_URL": self.emulator.url}
        if key is not None:
            environment["OPSGENIE_API_KEY"] = key
        server = Server("--config", "breakers.toml", folder=self.folder, environment=environment)
        self.servers.append(server)
        return server

    def stop(self, server: Server, number: signal.Signals = signal.SIGTERM) -> None:
        server.stop(number)
        self.servers.remove(server)
        self.logs.append(server.text)

    def wait_for(self, what: str) -> None:
        """Waits until something in the history of the one alert begins so."""
        assert self.emulator.wait_for(
            lambda: any(each.startswith(what) for each in self.history()), timeout=30
        ), self.history()

    def history(self) -> list[str]:
        alerts: list[EmulatedAlert] = self.emulator.alerts()
        assert len(alerts) <= 1, "one incident, one alert"
        return told(alerts)

    def notes(self) -> list[str]:
        return [note.what for alert in self.emulator.alerts() for note in alert.notes]


@pytest.fixture
def site(tmp_path: Path, opsgenie_emulator: Emulator) -> Iterator[Site]:
    made = Site(tmp_path, opsgenie_emulator)
    yield made
    for server in made.servers:
        server.stop(signal.SIGKILL)
    for entry in opsgenie_emulator.requests:
        assert_request_conforms(entry.method, entry.path, entry.query, entry.headers, entry.body)
    for log in made.logs:
        assert "test-key" not in log


def force_open(server: Server) -> None:
    with server.client() as client:
        client.post("/breaker/force-open", json={"reason": "a test"}).raise_for_status()


def reset(server: Server) -> None:
    with server.client() as client:
        client.post("/breaker/reset").raise_for_status()


def once(history: list[str]) -> dict[str, int]:
    wanted = ("created P3", "priority P1", "closed")
    return {what: history.count(what) for what in wanted}


@pytest.mark.parametrize("instant", ["after opening", "after escalation", "after recovery"])
def test_killed_and_restarted_tells_each_thing_once(site: Site, instant: str) -> None:
    # Long enough that the breaker is open again, as the operator left it, before it counts as well.
    site.write("", resolve_after=LONG)
    server = site.serve()
    force_open(server)
    site.wait_for("created P3")
    if instant != "after opening":
        site.wait_for("priority P1")
    if instant == "after recovery":
        reset(server)
    site.stop(server, signal.SIGKILL)
    server = site.serve()
    site.wait_for("priority P1")
    if instant != "after recovery":
        reset(server)
    site.write("")
    site.wait_for("closed")
    site.stop(server)
    history = once(site.history())
    # An escalation without an answer is asked for again: the same priority twice is the same.
    assert history.pop("priority P1") in {1, 2}
    assert history == {"created P3": 1, "closed": 1}


def test_killed_in_the_middle_of_escalating(site: Site) -> None:
    server = site.serve()
    force_open(server)
    site.wait_for("priority P1")
    site.stop(server, signal.SIGKILL)
    server = site.serve()
    reset(server)
    site.wait_for("closed")
    site.stop(server)
    history = once(site.history())
    # An escalation without an answer is asked for again: the same priority twice is the same.
    assert history.pop("priority P1") in {1, 2}
    assert history == {"created P3": 1, "closed": 1}
    assert len(site.notes()) == len(set(site.notes()))


def test_what_could_not_be_told_before_a_kill_is_told_after(site: Site) -> None:
    site.emulator.fail("down")
    site.write("", resolve_after=LONG)
    server = site.serve()
    force_open(server)
    assert site.emulator.wait_for(lambda: bool(site.emulator.requests))
    site.stop(server, signal.SIGKILL)
    site.emulator.heal()
    server = site.serve()
    force_open(server)
    site.wait_for("created")
    reset(server)
    site.write("")
    site.wait_for("closed")
    site.stop(server)


def test_stopping_delivers_what_is_due(site: Site) -> None:
    site.emulator.fail("error", times=1)
    server = site.serve()
    force_open(server)
    site.stop(server)
    assert site.history() == ["created P3"]


def test_not_one_request_in_a_pause(site: Site) -> None:
    server = site.serve()
    site.emulator.fail("rate_limit", times=1, delay=5.0)
    force_open(server)
    site.wait_for("created")  # at the stage that is due by then
    site.stop(server)
    first, second = site.emulator.requests[:2]
    assert first.status == 429
    assert second.at - first.at >= 4.9


def test_a_wrong_key_is_told_and_put_right_by_editing_the_file(site: Site) -> None:
    site.write('api_key = "mistyped-key"')
    server = site.serve(key=None)
    force_open(server)
    with server.client() as client:
        assert site.emulator.wait_for(lambda: bool(site.emulator.requests))
        until(lambda: client.get("/readyz").json()["checks"]["alerting"] == "failing")
        status = client.get("/breaker/opsgenie/status")
        assert "refuses the key (401" in status.json()["problems"][0]
        assert "mistyped-key" not in status.text
        site.write('api_key = "test-key"')
        site.wait_for("created")
        assert client.get("/readyz").json()["paging"] is True
        assert "test-key" not in client.get("/breaker/opsgenie/status").text
    site.stop(server)
    assert "mistyped-key" not in site.logs[0]


def test_answers_that_fail_now_and_then_lose_and_double_nothing(site: Site) -> None:
    site.emulator.fail("drop", share=0.2)
    site.emulator.fail("error", share=0.2)
    site.emulator.fail("html", share=0.1)
    site.emulator.fail("unapplied", share=0.1)
    server = site.serve()
    force_open(server)
    site.wait_for("priority P1")
    reset(server)
    site.wait_for("closed")
    site.stop(server)
    assert [what.split()[0] for what in site.history()].count("created") == 1
    assert site.history()[-1] == "closed"
