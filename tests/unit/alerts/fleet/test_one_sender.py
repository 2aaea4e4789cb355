"""One host sends for the fleet; the others tell it what they see, and can go on at any moment."""

from __future__ import annotations

import pytest

from breakerd.alerts.fleet.sender_lease import Role
from tests.unit.alerts.fleet.conftest import Host, Hosts


def opened(hosts: Hosts, *names: str) -> list[Host]:
    """Hosts whose breaker is open and alerted."""
    made = [hosts.add(name) for name in names]
    for host in made:
        host.slow()
    hosts.after(1, rounds=3)
    return made


def closed(hosts: Hosts, *some: Host) -> None:
    for host in some:
        host.registry.get("default").reset()
    hosts.after(2)
    hosts.after(61, rounds=2)


def test_an_outage_on_all_hosts_is_one_alert(hosts: Hosts) -> None:
    made = opened(hosts, "a", "b", "c")
    assert hosts.senders == ["a"]
    assert hosts.aliases == ["breakerd:shop:default:1"]
    (alert,) = hosts.emulator.alerts()
    assert "Where: all 3 processes, on all 3 hosts" in alert.description
    closed(hosts, *made)
    assert made[0].stages()[-1] == "closed"
    assert len(hosts.emulator.alerts()) == 1


def test_trouble_on_a_host_that_does_not_send_is_told(hosts: Hosts) -> None:
    hosts.add("a").registry.get("default")
    other = hosts.add("b")
    hosts.more = 1
    other.slow()
    hosts.after(1, rounds=2)
    (alert,) = hosts.emulator.alerts()
    assert "in 1 of 3 processes" in alert.message
    assert "only process 1 on b (3 processes in all)" in alert.description
    closed(hosts, other)
    assert other.stages()[-1] == "closed"


def test_the_next_incident_has_the_next_number(hosts: Hosts) -> None:
    made = opened(hosts, "a", "b")
    closed(hosts, *made)
    hosts.after(1)
    made[1].slow()
    hosts.after(1, rounds=2)
    assert sorted(hosts.aliases) == ["breakerd:shop:default:1", "breakerd:shop:default:2"]


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "in order"])
def test_another_host_goes_on_where_the_sender_has_ended(hosts: Hosts, killed: bool) -> None:
    first, second = opened(hosts, "a", "b")
    first.kill() if killed else first.leave()
    hosts.after(1)
    assert hosts.senders == ([] if killed else ["b"])
    hosts.after(8, rounds=3)
    assert hosts.senders == ["b"]
    hosts.after(61)
    assert len(hosts.emulator.alerts()) == 1
    assert second.stages()[0].startswith("created")
    told = len(second.stages())
    closed(hosts, second)
    assert second.stages()[-1] == "closed"
    assert second.stages()[:told] == second.stages()[:-1], "no stage twice"


def test_another_process_of_the_same_host_goes_on_at_once(hosts: Hosts) -> None:
    first, _ = opened(hosts, "a", "b")
    first.kill()
    again = hosts.replace(first)
    assert hosts.senders == ["a"]
    again.slow()
    hosts.after(1)
    assert len(hosts.emulator.alerts()) == 1


def test_silence_is_no_recovery(hosts: Hosts) -> None:
    first, second = opened(hosts, "a", "b")
    first.registry.get("default").reset()
    second.alive = False  # its network is gone
    hosts.lost = 1
    hosts.after(20)
    hosts.after(61)
    assert first.stages()[-1] != "closed"
    hosts.lost = 0  # it counts as gone, and another process is well
    hosts.after(2)
    hosts.after(61)
    assert first.stages()[-1] == "closed"


def test_trouble_of_which_nobody_is_left_ends_after_ten_minutes(hosts: Hosts) -> None:
    first, second = opened(hosts, "a", "b")
    first.registry.get("default").reset()
    second.kill()
    hosts.nobody = True
    hosts.after(20)
    hosts.after(300)
    assert first.stages()[-1] != "closed"
    hosts.after(301)
    hosts.after(61)
    assert first.stages()[-1] == "closed"


class TestHubAway:
    def test_the_last_sender_goes_on_and_others_wait(self, hosts: Hosts) -> None:
        first, second = opened(hosts, "a", "b")
        first.cut = second.cut = True
        hosts.after(10, rounds=5)
        assert (first.role, second.role) == (Role.SENDER, Role.RELAY)
        hosts.after(11, rounds=2)
        assert (first.role, second.role) == (Role.SENDER, Role.ALONE)
        assert hosts.aliases == ["breakerd:shop:default:1"]
        closed(hosts, first, second)
        assert first.stages()[-1] != "closed", "nobody knows of the others"
        first.cut = second.cut = False
        hosts.after(2, rounds=6)
        hosts.after(61)
        assert first.stages()[-1] == "closed"
        assert len(hosts.emulator.alerts()) == 1

    def test_what_begins_meanwhile_has_the_same_alias(self, hosts: Hosts) -> None:
        first, second = hosts.add("a"), hosts.add("b")
        first.cut = second.cut = True
        hosts.after(30, rounds=3)
        first.slow()
        second.slow()
        hosts.after(1)
        assert hosts.aliases == ["breakerd:shop:default:1"]
        first.cut = second.cut = False
        hosts.after(2, rounds=8)
        assert hosts.senders == ["a"]
        closed(hosts, first, second)
        assert first.stages()[-1] == "closed"
        assert len(hosts.emulator.alerts()) == 1

    def test_what_only_another_host_knew_is_handed_over(self, hosts: Hosts) -> None:
        first, second = hosts.add("a"), hosts.add("b")
        first.registry.get("default")
        second.cut = True
        hosts.after(30, rounds=3)
        second.slow()
        hosts.after(1)
        assert second.role is Role.ALONE
        assert len(hosts.emulator.alerts()) == 1
        second.cut = False
        hosts.after(2, rounds=6)
        assert hosts.senders == ["a"]
        closed(hosts, second)
        assert second.stages()[-1] == "closed"
        assert len(hosts.emulator.alerts()) == 1

    def test_a_sender_that_was_cut_off_takes_what_the_other_has_done(self, hosts: Hosts) -> None:
        first, second = opened(hosts, "a", "b")
        first.cut = True
        hosts.after(8, rounds=3)
        assert second.role is Role.SENDER
        first.cut = False
        hosts.after(1, rounds=2)
        assert (first.role, second.role) == (Role.RELAY, Role.SENDER)
        closed(hosts, first, second)
        assert first.stages()[-1] == "closed"
        assert len(hosts.emulator.alerts()) == 1

    def test_a_hub_that_hangs_is_away(self, hosts: Hosts) -> None:
        first, second = opened(hosts, "a", "b")
        first.hangs = second.hangs = True
        hosts.after(8, rounds=9)
        assert (first.role, second.role) == (Role.SENDER, Role.ALONE)
        first.hangs = second.hangs = False
        hosts.after(2, rounds=6)
        assert len(hosts.senders) == 1

    def test_a_hub_that_never_answers_delays_the_page_by_a_minute(self, hosts: Hosts) -> None:
        host = Host(hosts, "a", hosts.emulator, hosts.folder)
        host.cut = True
        host.wall.now = hosts.time.now
        host.start()
        hosts.all.append(host)
        host.slow()
        hosts.after(10, rounds=6)
        assert hosts.emulator.alerts() == []
        hosts.after(10, rounds=2)
        assert len(hosts.emulator.alerts()) == 1


class TestHubForgets:
    def test_the_sender_stays_and_brings_the_incidents_back(self, hosts: Hosts) -> None:
        first, second = opened(hosts, "a", "b")
        hosts.wipe()
        hosts.all.reverse()  # the other one asks first
        hosts.after(1, rounds=7)
        assert hosts.senders == ["a"]
        assert hosts.aliases == ["breakerd:shop:default:1"]
        first.kill()
        hosts.after(8, rounds=3)
        closed(hosts, second)
        assert second.stages()[-1] == "closed"
        assert len(hosts.emulator.alerts()) == 1

    def test_what_the_hub_forgot_with_its_sender_is_known_to_the_others(self, hosts: Hosts) -> None:
        first, second = opened(hosts, "a", "b")
        first.kill()
        hosts.wipe()
        hosts.after(2, rounds=5)
        assert hosts.senders == ["b"]
        assert hosts.aliases == ["breakerd:shop:default:1"]
        closed(hosts, second)
        assert second.stages()[-1] == "closed"


def test_clocks_of_hosts_may_differ(hosts: Hosts) -> None:
    first = hosts.add("a")
    second = hosts.add("b", ahead=3600.0)
    first.registry.get("default")
    second.slow()
    hosts.after(1, rounds=2)
    assert first.alerting is not None
    assert second.alerting is not None
    (incident,) = first.alerting.incidents()
    assert abs(incident["opened_at"] - first.wall.now) < 10
    (copied,) = second.alerting.incidents()
    assert abs(copied["opened_at"] - second.wall.now) < 10


def test_all_hosts_show_the_same_incidents(hosts: Hosts) -> None:
    first, second = opened(hosts, "a", "b")
    hosts.after(1)
    assert first.alerting is not None
    assert second.alerting is not None
    shown = [
        [(each["id"], each["phase"], each["priority"]) for each in host.alerting.incidents()]
        for host in (first, second)
        if host.alerting is not None
    ]
    assert shown[0] == shown[1]
    assert len(shown[0]) == 1


def test_a_drill_of_a_page_is_sent_by_the_sender(hosts: Hosts) -> None:
    hosts.add("a")
    second = hosts.add("b")
    assert second.alerting is not None
    second.alerting.drill_page("payments", "P2", 60.0, by="ada")
    hosts.after(1, rounds=3)
    assert len(hosts.emulator.alerts()) == 1
    hosts.after(61, rounds=2)
    assert second.stages()[-1] == "closed"
    assert len(hosts.emulator.alerts()) == 1


def test_a_cooldown_outlasts_the_sender(hosts: Hosts) -> None:
    first = hosts.add("a", alert_cooldown_seconds=600)
    second = hosts.add("b", alert_cooldown_seconds=600)
    for host in (first, second):
        host.slow()
    hosts.after(1, rounds=3)
    closed(hosts, first, second)
    first.kill()
    hosts.after(8, rounds=3)
    assert hosts.senders == ["b"]
    second.slow()
    hosts.after(2, rounds=2)
    assert len(hosts.emulator.alerts()) == 1, "told not long ago"


def test_a_host_that_reaches_nobody_lets_another_try(hosts: Hosts) -> None:
    first = hosts.add("a", api_url="http://127.0.0.1:9")
    second = hosts.add("b")
    first.slow()
    second.slow()
    hosts.after(10, rounds=6)
    assert hosts.senders == ["b"]
    assert hosts.aliases == ["breakerd:shop:default:1"]


def test_each_process_tells_which_host_sends(hosts: Hosts) -> None:
    first, second = hosts.add("a"), hosts.add("b")
    hosts.after(1)
    assert first.alerting is not None
    assert second.alerting is not None
    assert first.alerting.fleet_role() == ("sender", "a")
    assert second.alerting.fleet_role() == ("relay", "a")
    first.leave()
    assert first.alerting.fleet_role() is None


def test_a_process_that_followed_on_the_same_host_sends_at_once(hosts: Hosts) -> None:
    first, second = hosts.add("a"), hosts.add("a")
    hosts.add("b")
    hosts.after(1)
    first.kill()
    hosts.after(1, rounds=2)
    assert hosts.senders == ["a"]
    second.slow()
    hosts.after(1)
    assert second.stages() == ["created P3"]
