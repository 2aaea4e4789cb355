"""The report of a real incident: real calls, real pages, a real acknowledgement."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from breakerd.alerts.emulator import Emulator
from tests.support.command import Result, run
from tests.support.server_process import Server

KEY = "1c0ffee5-secret-key"
CONFIG = """\
latency_threshold = 200
wait_time = 1
[opsgenie]
enabled = true
team = "payments"
environment = "prod"
bookmaker_id = "b1"
[alerts]
group_window = 0
resolve_after = 1
stages = [
    {after = 0, priority = "P3"},
    {after = 3, priority = "P2"},
    {after = 3600, priority = "P1"},
]
"""
PATIENCE = 120.0
"""Seconds, for a machine that is busy with other tests."""


class Outage:
    """A service with an endpoint that becomes slow, is paged about, and recovers."""

    def __init__(self, server: Server, emulator: Emulator) -> None:
        self.server = server
        self.emulator = emulator
        self.calls = httpx.Client(base_url=server.url, timeout=30)

    def call(self, times: int = 1) -> None:
        for _ in range(times):
            self.calls.get("/test")

    def set_delay(self, delay: str) -> None:
        with self.server.client() as client:
            client.post("/set_delay", json={"delay": delay}).raise_for_status()

    def alert(self) -> dict[str, Any]:
        with self.server.client() as client:
            listed = client.get("/alerts").json()["alerts"]
        found: dict[str, Any] = listed[0] if listed else {}
        return found

    def until(self, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Go on with calls until the alert is as wanted; the alert."""
        deadline = time.monotonic() + PATIENCE
        while not wanted(found := self.alert()):
            assert time.monotonic() < deadline, found
            self.call()
            time.sleep(0.05)
        return found

    def happen(self) -> str:
        """From the first call to the end; the id of the incident."""
        self.call(30)
        self.set_delay("400ms")
        alert = self.until(lambda found: found.get("notified"))
        self.emulator.acknowledge(alert["alias"], by="ada")
        with self.server.client() as client:
            client.post("/breaker/wait", json={"wait_time": 2}).raise_for_status()
        self.until(lambda found: found["acknowledged"])
        self.set_delay("1ms")
        self.until(lambda found: found["phase"] == "closed" and found["closed_at_receiver"])
        return str(alert["id"])

    def report(self, incident: str, *arguments: str) -> Result:
        environment = {"BREAKERD_URL": self.server.url}
        return run("incident", incident, *arguments, folder=self.server.folder, **environment)


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outage]:
    folder = tmp_path_factory.mktemp("outage")
    (folder / "breakers.toml").write_text(CONFIG)
    with Emulator(api_keys={KEY}, delay=0.0) as emulator:
        environment = {"OPSGENIE_API_KEY": KEY, "OPSGENIE_API_URL": emulator.url}
        with Server(
            "--config", "breakers.toml", "--demo-endpoints", folder=folder, environment=environment
        ) as server:
            made = Outage(server, emulator)
            yield made
            made.calls.close()


@pytest.fixture(scope="module")
def incident(outage: Outage) -> str:
    return outage.happen()


def test_it_has_all_of_the_incident(outage: Outage, incident: str) -> None:
    found = json.loads(outage.report(incident, "--json").out)
    assert (found["id"], found["phase"]) == (incident, "closed")
    times = {each["name"]: each["at"] for each in found["timings"]}
    assert list(times) == ["began", "noticed", "paged", "acknowledged", "well", "closed"]
    assert sorted(times.values()) == list(times.values())
    (section,) = found["breakers"]
    assert "(limit 200 ms)" in section["tripped"][0]
    assert section["rejected"]["calls"] > 0
    points = section["chart"]["points"]
    assert {"OPEN", "CLOSED"} <= {point[-1] for point in points}
    assert max(point[5] or 0 for point in points) > 300
    told = [(each["kind"], each["text"]) for each in found["timeline"]]
    assert ("acknowledgement", "opsgenie tells that somebody acknowledged it") in told
    assert ("alert", "opsgenie has the alert, P3") in told
    assert any(kind == "act" and "change settings" in text for kind, text in told)
    assert any(kind == "note" and text.startswith("Over: it lasted") for kind, text in told)
    assert found["receivers"][0]["outcome"] == "closed, acknowledged"


def test_the_last_note_of_the_alert_names_it(outage: Outage, incident: str) -> None:
    (alert,) = outage.emulator.alerts()
    assert alert.notes[-1].what.endswith(f"Report: breakerd incident {incident}")
    assert [each.name for each in alert.attachments] == ["last-minutes.png"]


def test_a_page_is_written_for_its_user_only(outage: Outage, incident: str) -> None:
    done = outage.report(incident[:6], "--html", "incident.html")
    assert (done.code, done.out) == (0, "incident.html: written\n")
    file = outage.server.folder / "incident.html"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    page = file.read_text()
    assert "<svg" in page
    assert KEY not in page
    assert outage.server.made_token not in page


def test_markdown_is_printed(outage: Outage, incident: str) -> None:
    plain = outage.report(incident)
    assert plain.out.startswith("# P")
    assert "## How long it took" in plain.out
    assert outage.report(incident, "--md").out.startswith("# P")


def test_without_a_service_it_is_read_from_files(outage: Outage, incident: str) -> None:
    done = outage.report(incident, "--database", "var/breakerd.db", "--json")
    assert json.loads(done.out)["id"] == incident
    page = outage.report(incident, "--database", "var/breakerd.db", "--html", "off.html")
    assert page.code == 0
    text = outage.report(incident, "--database", "var/breakerd.db")
    assert "## Timeline" in text.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nope"], 1, "unknown incident 'nope'; the nearest are "),
        (["nope", "--database", "var/breakerd.db"], 1, "unknown incident 'nope'"),
        (["nope", "--database", "none.db"], 1, "none.db: cannot read the database of alerts"),
        (["nope", "--json", "--md"], 2, "give one of --html, --md and --json"),
        (["nope", "--record", "x.db"], 2, "--record needs --database"),
        (["nope", "--url", "http://127.0.0.1:1"], 1, "Where no service runs: --database FILE."),
    ],
)
def test_what_cannot_be_had_is_told(
    outage: Outage, incident: str, arguments: list[str], code: int, words: str
) -> None:
    assert incident
    done = outage.report(*arguments)
    assert (done.code, done.out) == (code, "")
    assert words in done.err


def test_a_file_that_cannot_be_written_is_told(
    outage: Outage, incident: str, tmp_path: Path
) -> None:
    done = outage.report(incident, "--html", str(tmp_path / "none" / "incident.html"))
    assert done.code == 1
    assert "cannot be written: No such file or directory" in done.err
