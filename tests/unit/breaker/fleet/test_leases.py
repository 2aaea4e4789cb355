from __future__ import annotations

from breakerd.breaker.fleet.episode import NONE, Trouble, opened, ramping
from breakerd.breaker.fleet.hub.leases import KEEP, USE_WITHIN, grant, settle
from breakerd.breaker.fleet.hub.records import Record
from breakerd.breaker.fleet.messages import Lease, LeaseResult

OPENED = opened(NONE, 0.0, Trouble(3, 3, 0))


class Members:
    """Members that ask one scope for leases."""

    def __init__(self) -> None:
        self.leases: Record = {}
        self.now = 100.0
        self.episode = OPENED

    def ask(self, member: str, wants: float = 1.0, host: str | None = None) -> Lease | None:
        return grant(self.leases, self.episode, member, host or member, wants, self.now)

    def tell(self, member: str, lease: Lease, outcome: str) -> None:
        settle(self.leases, member, LeaseResult(lease.id, outcome))


def test_one_probe_a_second_whoever_asks() -> None:
    members, granted = Members(), 0
    for tenth in range(100):
        member = f"m{tenth % 20}"
        lease = members.ask(member)
        if lease is not None:
            members.tell(member, lease, "bad")
            granted += 1
        members.now += 0.1
    assert granted == 10


def test_a_lease_is_for_those_who_want_one_while_all_is_closed() -> None:
    members = Members()
    assert members.ask("a", wants=0.0) is None
    members.episode = ramping(OPENED, 1.0, 0.1)
    assert members.ask("a") is None


def test_the_same_member_is_told_of_the_same_lease() -> None:
    members = Members()
    lease = members.ask("a")
    assert lease is not None
    assert lease.until == members.now + USE_WITHIN
    members.now += 0.5
    assert members.ask("a") == lease
    assert members.ask("b") is None


def test_an_unused_lease_goes_to_somebody_else() -> None:
    members = Members()
    lease = members.ask("a")
    assert lease is not None
    members.tell("a", lease, "unused")
    assert members.ask("b") is not None


def test_quiet_members_get_several_and_what_they_use_costs_a_whole_probe() -> None:
    members = Members()
    held = [(name, members.ask(name, wants=0.25)) for name in "abcdef"]
    given = [(name, lease) for name, lease in held if lease is not None]
    assert len(given) == 4
    for name, lease in given:
        members.tell(name, lease, "bad")
    members.now += 2.0
    assert members.ask("g", wants=0.25) is None
    members.now += 0.3
    assert members.ask("g", wants=0.25) is not None, "the debt has an end"


def test_a_result_of_an_earlier_lease_ends_nothing() -> None:
    members = Members()
    lease = members.ask("a")
    settle(members.leases, "a", LeaseResult("0.99", "unused"))
    assert members.ask("a") == lease


def test_two_probes_in_a_row_are_of_different_hosts_if_another_one_asks() -> None:
    members = Members()
    first = members.ask("a1", host="a")
    assert members.ask("b1", host="b") is None
    assert first is not None
    members.tell("a1", first, "bad")
    members.now += 1.0
    assert members.ask("a2", host="a") is None
    assert members.ask("b1", host="b") is not None


def test_one_host_alone_goes_on_probing() -> None:
    members = Members()
    for _ in range(3):
        lease = members.ask("a1", host="a")
        assert lease is not None
        members.tell("a1", lease, "bad")
        members.now += 1.0


def test_a_lease_of_a_dead_member_is_lost_after_a_while() -> None:
    members = Members()
    members.ask("a")
    members.now += KEEP - 0.1
    assert members.leases["held"].keys() == {"a"}
    members.now += 0.1
    members.ask("b")
    assert members.leases["held"].keys() == {"b"}


def test_relapses_halve_the_rate() -> None:
    members = Members()
    members.episode = OPENED._replace(relapses=3)
    granted = 0
    for _ in range(41):
        lease = members.ask("a")
        if lease is not None:
            members.tell("a", lease, "bad")
            granted += 1
        members.now += 1.0
    assert granted == 11
