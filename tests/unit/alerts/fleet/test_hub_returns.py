"""Hosts once the hub answers again, or has another memory; also where a file fails."""

from __future__ import annotations

import json
from typing import Any

import pytest

from breakerd.alerts.fleet.link import NoFleet
from breakerd.alerts.fleet.sender_lease import Role
from breakerd.breaker.fleet.hub.store import ALERT_COMMANDS, INCIDENTS
from tests.unit.alerts.fleet.conftest import Host, Hosts


def opened(hosts: Hosts, *names: str, **options: Any) -> list[Host]:
    """Hosts whose breaker is open and alerted."""
    made = [hosts.add(name, **options) for name in names]
    for host in made:
        host.slow()
    hosts.after(1, rounds=3)
    return made


def with_a_broken_file(hosts: Hosts, name: str) -> Host:
    """Host whose disk keeps nothing."""
    folder = hosts.folder / name
    folder.mkdir()
    host = Host(hosts, name, hosts.emulator, folder)
    (folder / "file").touch()
    host.database = folder / "file" / "breakerd.db"
    host.wall.now = hosts.time.now
    host.start()
    hosts.all.append(host)
    return host


def test_an_alert_stays_until_the_others_have_told_what_they_see(hosts: Hosts) -> None:
    first, second = opened(hosts, "a", "b")
    first.registry.get("default").reset()
    first.cut = second.cut = True
    hosts.after(1)
    hosts.after(61, rounds=2)
    first.cut = second.cut = False
    hosts.after(1, rounds=8)
    assert hosts.aliases == ["breakerd:shop:default:1"]
    assert second.stages()[-1] != "closed", "it is open on b"
    second.registry.get("default").reset()
    hosts.after(2)
    hosts.after(61, rounds=2)
    assert second.stages()[-1] == "closed"


def test_what_a_former_sender_could_not_write_is_written_by_nobody(hosts: Hosts) -> None:
    first, second = opened(hosts, "a", "b", resolve_after=2.0)
    first.cut = True
    hosts.after(8, rounds=3)
    first.cut = False
    hosts.after(1, rounds=2)
    assert (first.role, second.role) == (Role.RELAY, Role.SENDER)
    for host in (first, second):
        host.registry.get("default").reset()
    hosts.after(2, rounds=9)
    assert second.stages()[-1] == "closed"
    second.leave()
    hosts.after(1, rounds=3)
    assert first.role is Role.SENDER
    first.slow("other")
    hosts.after(1, rounds=2)
    phases = {
        entry.key: json.loads(entry.value)["incident"]["phase"]
        for entry in hosts.hub.store.changes(INCIDENTS).entries
    }
    assert sorted(phases.values()) == ["active", "closed"]


def test_a_host_whose_file_fails_goes_on_with_what_the_ledger_has(hosts: Hosts) -> None:
    (first,) = opened(hosts, "a")
    second = with_a_broken_file(hosts, "b")
    second.slow()
    hosts.after(1, rounds=3)
    assert (first.role, second.role) == (Role.SENDER, Role.RELAY)
    first.kill()
    hosts.after(8, rounds=4)
    assert second.role is Role.SENDER
    assert hosts.aliases == ["breakerd:shop:default:1"]
    second.registry.get("default").reset()
    hosts.after(2)
    hosts.after(61, rounds=2)
    assert hosts.aliases == ["breakerd:shop:default:1"]
    assert second.stages()[-1] == "closed"


def test_who_leaves_the_fleet_leaves_its_alerts_to_the_sender(hosts: Hosts) -> None:
    first, second = hosts.add("a"), hosts.add("b")
    first.slow()
    second.registry.get("default")
    hosts.after(1, rounds=3)
    second.link.name = ""  # hub = "none" in its file
    hosts.after(1, rounds=2)
    assert second.role is Role.SINGLE
    hosts.after(4, rounds=20)
    assert first.stages()[-1] != "closed"
    second.slow()
    hosts.after(1, rounds=2)
    assert len(hosts.aliases) == 2, "it alerts by itself"


def test_so_does_a_process_that_starts_without_the_fleet(hosts: Hosts) -> None:
    first, second = hosts.add("a"), hosts.add("b")
    first.slow()
    hosts.after(1, rounds=3)
    second.leave()
    hosts.all.remove(second)
    again = Host(hosts, "b", hosts.emulator, hosts.folder / "b")
    again.fleet = NoFleet()
    again.wall.now = hosts.time.now
    again.start()
    hosts.all.append(again)
    hosts.after(4, rounds=20)
    assert first.stages()[-1] != "closed"


def test_receivers_that_fail_everywhere_do_not_move_the_lease_twice_a_minute(hosts: Hosts) -> None:
    made = [hosts.add(name, api_url="http://127.0.0.1:9") for name in "ab"]
    for host in made:
        host.slow()
    changes, known = 0, hosts.senders
    for _ in range(120):
        hosts.after(5)
        changes += hosts.senders != known
        known = hosts.senders
    assert changes <= 12


def test_what_a_host_missed_the_end_of_is_not_begun_again(hosts: Hosts) -> None:
    first, second = opened(hosts, "a", "b", resolve_after=2.0)
    second.kill()
    first.registry.get("default").reset()
    hosts.after(2, rounds=12)
    assert first.stages()[-1] == "closed"
    assert first.alerting is not None
    (known,) = first.alerting._runtime.store.history(9)
    hosts.wipe()
    hosts.after(1, rounds=3)
    again = hosts.replace(second, resolve_after=2.0)
    hosts.after(2, rounds=12)
    assert again.role is Role.RELAY
    assert first.alerting._runtime.store.history(9) == [known], "it is not closed a second time"


def test_a_command_is_told_once_where_the_file_is_busy(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.add("a")
    second = hosts.add("b")
    assert second.alerting is not None
    store = second.alerting._runtime.store
    save = store.save
    second.alerting.drill_page("payments", "P2", 60.0, by="ada")
    monkeypatch.setattr(store, "save", lambda *_: False)
    known = hosts.hub.store.versions
    hosts.after(1, rounds=2)
    told = dict(known())[ALERT_COMMANDS]
    hosts.after(1, rounds=4)
    assert dict(known())[ALERT_COMMANDS] == told + 1, "the sender has removed it"
    monkeypatch.setattr(store, "save", save)
    hosts.after(1, rounds=2)
    assert store.commands(0) == []


def test_a_host_without_receivers_does_not_keep_the_lease(hosts: Hosts) -> None:
    first = hosts.add("a", enabled=False)
    second = hosts.add("b")
    assert hosts.senders == ["a"]
    first.slow()
    second.slow()
    hosts.after(5, rounds=9)
    assert hosts.senders == ["b"]
    assert hosts.aliases == ["breakerd:shop:default:1"]
