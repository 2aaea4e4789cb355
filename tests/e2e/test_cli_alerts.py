"""`breakerd alerts` against a real service whose alerts go to a real emulator."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from breakerd.alerts.emulator import Emulator
from tests.support.command import Result, run
from tests.support.server_process import Server

KEY = "1c0ffee5-secret-key"
CONFIG = """\
[breakers.payments]
[breakers.orders]
[opsgenie]
enabled = true
team = "payments"
environment = "prod"
bookmaker_id = "b1"
[alerts]
group_window = 0
attach_chart = false
"""


class Ward:
    """A service, and what it pages."""

    def __init__(self, server: Server, emulator: Emulator) -> None:
        self.server = server
        self.emulator = emulator

    def alerts(self, *arguments: str) -> Result:
        return run("alerts", *arguments, folder=self.server.folder, BREAKERD_URL=self.server.url)

    def trip(self, *breakers: str) -> None:
        with self.server.client() as client:
            for breaker in breakers:
                path = f"/breakers/{breaker}/trip"
                client.post(path, json={"reason": "rehearsal"}).raise_for_status()

    def listed(self) -> list[dict[str, Any]]:
        with self.server.client() as client:
            alerts: list[dict[str, Any]] = client.get("/alerts").json()["alerts"]
        return alerts

    def until(self, count: int, key: str) -> list[dict[str, Any]]:
        """The alerts in which `key` says something, once there are so many."""
        deadline = time.monotonic() + 120
        while True:
            found = [alert for alert in self.listed() if alert[key]]
            if len(found) == count:
                return found
            assert time.monotonic() < deadline, self.listed()
            time.sleep(0.05)

    def give_up(self, *breakers: str) -> list[str]:
        """The ids of alerts that the receiver refused."""
        self.emulator.fail("html", status=422, path="POST /v2/alerts")
        self.trip(*breakers)
        found = self.until(len(breakers), "dead_letters")
        self.emulator.heal()
        return [alert["id"] for alert in found]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    (tmp_path / "breakers.toml").write_text(CONFIG)
    with Emulator(api_keys={KEY}, delay=0.0) as emulator:
        environment = {"OPSGENIE_API_KEY": KEY, "OPSGENIE_API_URL": emulator.url}
        with Server(
            "--config", "breakers.toml", folder=tmp_path, environment=environment
        ) as server:
            yield Ward(server, emulator)


def test_list_and_show(ward: Ward) -> None:
    assert ward.alerts("list").out == "no alerts\n"
    ward.trip("payments")
    (alert,) = ward.until(1, "notified")
    done = ward.alerts("list", "--state", "active")
    assert done.code == 0
    assert alert["id"] in done.out
    assert "payments opened by an operator: rehearsal" in done.out
    assert ward.alerts("list", "--state", "closed").out == "no alerts\n"
    assert json.loads(ward.alerts("list", "--json").out)["alerts"][0]["id"] == alert["id"]
    shown = ward.alerts("show", alert["id"])
    assert shown.code == 0
    for words in ("P3 after 0 s", alert["alias"], "opsgenie", "created"):
        assert words in shown.out
    assert json.loads(ward.alerts("show", alert["id"], "--json").out)["id"] == alert["id"]


def test_one_that_does_not_exist(ward: Ward) -> None:
    for verb in (["show"], ["retry"], ["discard", "--reason", "x"]):
        done = ward.alerts(verb[0], "nope", *verb[1:])
        assert (done.code, done.out) == (1, "")
        assert "Unknown alert 'nope'" in done.err


def test_dead_letters_are_retried(ward: Ward) -> None:
    (alert_id,) = ward.give_up("payments")
    listed = ward.alerts("list").out
    assert "dead letters: opsgenie" in listed
    assert "422" in ward.alerts("show", alert_id).out
    done = ward.alerts("retry", alert_id)
    assert (done.code, done.out) == (0, f"{alert_id}: requeued, receivers: 1\n")
    assert ward.emulator.wait_for(ward.emulator.alerts)
    again = ward.alerts("retry", alert_id)
    assert (again.code, again.out) == (1, "")
    assert "The alert has no dead letters" in again.err


def test_all_dead_letters_are_retried(ward: Ward) -> None:
    ids = ward.give_up("payments", "orders")
    done = ward.alerts("retry", "--all", "--json")
    assert {each["id"] for each in json.loads(done.out)["alerts"]} == set(ids)
    assert ward.emulator.wait_for(lambda: len(ward.emulator.alerts()) == 2)
    ward.until(2, "notified")
    assert ward.alerts("retry", "--all").out == "no dead letters\n"


def test_dead_letters_are_discarded(ward: Ward) -> None:
    (alert_id,) = ward.give_up("payments")
    done = ward.alerts("discard", alert_id, "--reason", "reported by phone")
    assert (done.code, done.out) == (0, f"{alert_id}: discarded, receivers: 1\n")
    ward.until(0, "dead_letters")
    assert "reported by phone" in ward.alerts("show", alert_id).out
    assert ward.emulator.alerts() == []


@pytest.mark.parametrize("arguments", [["retry"], ["retry", "x", "--all"], ["discard", "x"]])
def test_wrong_usage(arguments: list[str]) -> None:
    assert run("alerts", *arguments).code == 2
