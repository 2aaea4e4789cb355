"""The fleet is shown within 80 columns."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console, RenderableType

from breakerd.api.cli.views.fleet import (
    drift_table,
    hub_table,
    in_processes,
    members_table,
    summary_table,
)
from breakerd.breaker.fleet.drift import EDITED

HUB = {
    "kind": "file",
    "name": "",
    "up": True,
    "problem": "",
    "epoch": "e",
    "exchanges": 12,
    "exchange_p50_seconds": 0.001,
    "exchange_p99_seconds": 0.025,
}


def member(pid: int, state: str = "closed", **more: Any) -> dict[str, Any]:
    return {
        "id": f"web-7.eu-1a.internal-{pid}-0a1b2c",
        "host": "web-7.eu-1a.internal",
        "zone": "",
        "role": "",
        "pid": pid,
        "version": "0.1.0",
        "settings": "0a1b2c3d",
        "settings_differ": False,
        "labels": {},
        "age_seconds": 0.4,
        "silent": False,
        "breakers": {"payments": state, "search": "closed"},
        **more,
    }


def shown(what: RenderableType) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(what)
    text = capture.get()
    assert max(map(len, text.splitlines())) <= 80
    return " ".join(text.split())


def test_a_summary_says_what_differs() -> None:
    members = [
        member(1, "open", role="web"),
        member(2, "open", role="web", settings_differ=True),
        member(3, role="worker"),
        member(4, silent=True),
    ]
    drift = [{"key": "breakers.payments.wait_time"}]
    text = shown(summary_table({"hub": HUB, "alerts": None, "members": members, "drift": drift}))
    assert "drift breakers.payments.wait_time" in text
    assert "processes 3 on 1 host, 1 silent" in text
    assert "roles web (2), worker (1)" in text
    assert "versions 0.1.0 (3)" in text
    assert "settings 1 differ" in text
    assert "payments open in 2 of 3 processes" in text
    assert "search closed in all 3 processes" in text
    assert "exchange half within 1 ms, 99 of 100 within 25 ms" in text


def test_a_fleet_of_nobody_is_shown() -> None:
    hub = HUB | {"up": False, "problem": "the hub is away", "exchanges": 0}
    text = shown(summary_table({"hub": hub, "alerts": None, "members": [], "drift": []}))
    assert "answers no" in text
    assert "problem the hub is away" in text
    assert "processes 0 on 0 hosts" in text


def test_members_are_a_row_each() -> None:
    rows = [member(1, zone="eu-1a"), member(20, "open", settings="ffffffff", silent=True)]
    text = shown(members_table(rows))
    for words in ("host", "zone", "eu-1a", "silent", "payments open", "20"):
        assert words in text
    assert "role" not in text


def test_a_hub_with_a_name_is_named() -> None:
    assert "fleet shop-production" in shown(hub_table(HUB | {"name": "shop-production"}))


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ({"open": 3, "closed": 1}, "open in 3 of 4 processes"),
        ({"closed": 1}, "closed in the only process"),
        ({"closed": 4}, "closed in all 4 processes"),
        ({"half_open": 1, "open": 2, "closed": 1}, "open in 2, half_open in 1 of 4 processes"),
    ],
)
def test_states_are_told_in_words(states: dict[str, int], words: str) -> None:
    assert in_processes(states) == words


def test_drift_is_shown_with_what_is_here_and_in_the_fleet() -> None:
    drift = {
        "key": "breakers.payments-of-a-long-name.latency_threshold",
        "own": None,
        "fleet": [0.1, 0.5],
        "by": "ada@example.com",
        "at": "2026-12-01T04:40:37Z",
        "since": "2026-12-01T04:41:00Z",
        "reason": EDITED,
    }
    text = shown(drift_table([drift, {**drift, "own": "[red]", "reason": "it is not valid"}]))
    assert "not set [0.1, 0.5]" in text
    assert '"[red]"' in text
    assert text.count("it is not valid") == 1
    assert EDITED not in text


@pytest.mark.parametrize(
    ("role", "sender", "told"),
    [
        ("relay", "web-3", "sent by web-3"),
        ("sender", "web-3", "sent by web-3 (this host)"),
        ("relay", "", "no host sends yet"),
        ("alone", "web-3", "sent by this host alone, since the hub is away"),
    ],
)
def test_the_host_that_sends_alerts_is_named(role: str, sender: str, told: str) -> None:
    alerts = {"role": role, "sender": sender}
    text = shown(summary_table({"hub": HUB, "alerts": alerts, "members": [], "drift": []}))
    assert told in text
