"""Changes on two hosts at the same time, and hubs that were away or have forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from breakerd.breaker.fleet.hub.store import SETTINGS
from tests.support.fleet_members import BreakableHub
from tests.support.hosts_with_files import TEXT, Host, revisions

Make = Callable[..., Host]


def test_changes_while_the_hub_is_away_come_when_it_is_back(
    one: Host, other: Host, hub: BreakableHub
) -> None:
    hub.away = True
    for value in range(100, 130):
        one.change(latency_threshold=value)
        one.meet()
    other.meet()
    assert other.path.read_text() == TEXT
    hub.away = False
    one.meet()
    other.meet()
    assert other.file == one.file


def test_of_changes_on_two_hosts_one_wins_on_both(one: Host, other: Host) -> None:
    one.change(latency_threshold=500)
    other.change(latency_threshold=400)
    other.meet()
    one.meet()
    other.meet(2)
    one.meet(2)
    assert one.file == other.file
    assert not one.drift
    assert not other.drift


def test_the_later_change_wins_over_one_that_waited_for_the_hub(
    one: Host, other: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one.member.fleet, "hub_time", lambda: 1000.0)
    monkeypatch.setattr(other.member.fleet, "hub_time", lambda: 2000.0)
    one.change(latency_threshold=500)
    other.change(latency_threshold=400)
    other.meet()
    one.meet(2)
    assert one.file["breakers"]["payments"]["latency_threshold"] == 400
    other.meet(2)
    assert other.file == one.file


def test_changes_of_different_keys_on_two_hosts_are_both_kept(one: Host, other: Host) -> None:
    one.change(recovery__probes=7, latency_threshold=500)
    other.change(recovery__step_time=3)
    for _ in range(2):
        one.meet()
        other.meet()
    assert one.file == other.file
    assert one.file["breakers"]["payments"]["recovery"] == {"probes": 7, "step_time": 3}


def test_a_hub_that_has_forgotten_gets_the_revisions_again(
    one: Host, other: Host, hub: BreakableHub
) -> None:
    one.change(latency_threshold=500)
    one.meet()
    other.meet()
    entries = {key: each.value for key, each in revisions(hub).items()}
    hub.inner.wipe()
    other.meet(2)
    assert {key: each.value for key, each in revisions(hub).items()} == entries


def test_nobody_brings_back_what_is_not_in_force_with_them(
    one: Host, make: Make, hub: BreakableHub
) -> None:
    other = make("b", TEXT.replace("800", "300")).meet()
    one.change(latency_threshold=500)
    one.meet()
    other.meet()
    hub.inner.wipe()
    other.meet(2)
    assert not revisions(hub)
    one.meet(2)
    assert revisions(hub)


def test_a_hub_that_went_back_gets_the_newer_revision(
    one: Host, other: Host, hub: BreakableHub
) -> None:
    one.change(latency_threshold=500)
    one.meet()
    (old,) = revisions(hub).values()
    one.change(latency_threshold=400)
    one.meet()
    other.meet()
    hub.inner.wipe()
    hub.inner.store.write(SETTINGS, old.key, old.value)
    other.meet(2)
    one.meet()
    assert json.loads(revisions(hub)[old.key].value)["value"] == 400
    assert one.file == other.file
    assert one.file["breakers"]["payments"]["latency_threshold"] == 400


def test_a_restarted_host_remembers_and_brings_back(
    one: Host, make: Make, hub: BreakableHub
) -> None:
    one.change(latency_threshold=500)
    one.meet()
    hub.inner.wipe()
    make("a-2", file="a").meet(2)
    assert list(revisions(hub)) == ["breakers.payments.latency_threshold"]


def test_a_change_while_the_hub_is_away_survives_a_restart(
    one: Host, other: Host, make: Make, hub: BreakableHub
) -> None:
    other.change(latency_threshold=600)
    other.meet()
    one.meet()
    hub.away = True
    one.change(latency_threshold=500)
    one.meet()
    hub.away = False
    make("a-2", file="a").meet(2)
    other.meet()
    assert other.file["breakers"]["payments"]["latency_threshold"] == 500


def test_another_fleet_gets_none_of_the_revisions_of_the_first(
    one: Host, hub: BreakableHub
) -> None:
    one.change(latency_threshold=500)
    one.meet()
    hub.inner.wipe()
    wanted = one.member.runtime._wanted
    one.member.runtime._wanted = wanted.model_copy(update={"name": "other"})
    one.meet(2)
    assert not revisions(hub)
