from __future__ import annotations

import copy

from breakerd.breaker.fleet.episode import NONE, Trouble, closed, opened, ramping
from breakerd.breaker.fleet.hub.roster import SILENT_AFTER
from breakerd.breaker.fleet.hub.state import FORGET_AFTER
from breakerd.breaker.fleet.messages import FLEET, PoolSlot, Slot, Totals
from tests.support.fleet_reports import POOL, DrivenHub, MadeMember, pool_of

TROUBLE = Trouble(bad=3, units=4, first_slot=1000)


def slot_of(hub: DrivenHub, scope: str = FLEET) -> PoolSlot:
    return hub.scope(scope).slots[-1]


def test_a_pool_has_the_sums_of_its_members() -> None:
    hub = DrivenHub()
    hub.exchange(MadeMember("a").report(Slot(1000, 2, 2, offered=3, busy_ms=40, ended=2)))
    hub.exchange(MadeMember("b").report(Slot(1000, 1, 0, offered=1, busy_ms=10, ended=1, slow=1)))
    slot = slot_of(hub)
    assert (slot.calls, slot.failures, slot.members, slot.bad_members) == (3, 2, 2, 1)
    assert (slot.offered, slot.busy_ms, slot.ended) == (4, 50, 3)
    assert (slot.active, slot.slow_members) == (2, 1)
    assert hub.fleet().members == 2
    assert hub.fleet().states == (("closed", 2),)


def test_a_busy_member_counts_as_no_more_than_three_calls() -> None:
    hub = DrivenHub()
    hub.exchange(MadeMember("a").report(Slot(1000, 900, 600)))
    slot = slot_of(hub)
    assert (slot.calls, slot.failures) == (3, 2)


def test_a_window_replaces_the_one_before() -> None:
    hub, member = DrivenHub(), MadeMember("a")
    hub.exchange(member.report(Slot(1000, 2, 2)))
    hub.exchange(member.report(Slot(1000, 3, 2)))
    slot = slot_of(hub)
    assert (slot.calls, slot.failures, slot.members) == (3, 2, 1)
    assert hub.fleet().totals == Totals(calls=3)
    hub.exchange(member.report())
    assert hub.fleet().slots == ()


def test_a_report_that_comes_twice_or_late_counts_once() -> None:
    hub, member = DrivenHub(), MadeMember("a")
    first, second = member.report(Slot(1000, 1, 1)), member.report(Slot(1000, 2, 1))
    hub.exchange(first)
    hub.exchange(second)
    hub.exchange(second)
    hub.exchange(first)
    assert (slot_of(hub).calls, slot_of(hub).failures) == (2, 1)


def test_a_new_process_takes_the_place_of_the_old_one() -> None:
    hub = DrivenHub()
    hub.exchange(MadeMember("a", seq=70).report(Slot(1000, 3, 3)))
    hub.exchange(MadeMember("a", incarnation=2).report(Slot(1000, 1, 0)))
    slot = slot_of(hub)
    assert (slot.calls, slot.failures, slot.members) == (1, 0, 1)
    assert hub.fleet().members == 1


def test_a_process_on_another_host_leaves_the_old_one() -> None:
    hub = DrivenHub()
    hub.exchange(MadeMember("a", host="h1").report(Slot(1000, 1, 1)))
    hub.exchange(MadeMember("a", host="h2", incarnation=2).report(Slot(1000, 1, 1)))
    assert hub.scope("host:h1").slots == ()
    assert hub.scope("host:h1").members == 0
    assert slot_of(hub, "host:h2").calls == 1
    assert (slot_of(hub).hosts, slot_of(hub).bad_hosts) == (1, 1)


def test_hosts_and_zones_are_units_of_the_wider_scopes() -> None:
    hub = DrivenHub()
    for host, zone, failures in (
        ("h1", "z1", 1),
        ("h1", "z1", 1),
        ("h2", "z1", 0),
        ("h3", "z2", 1),
    ):
        name = f"{host}-{len(hub.state.members(hub.now))}"
        hub.exchange(MadeMember(name, host, zone).report(Slot(1000, 1, failures)))
    fleet, of_zone = slot_of(hub), slot_of(hub, "zone:z1")
    assert (fleet.members, fleet.bad_members) == (4, 3)
    assert (fleet.hosts, fleet.bad_hosts) == (3, 2)
    assert (fleet.zones, fleet.bad_zones) == (2, 2)
    assert (of_zone.hosts, of_zone.bad_hosts) == (2, 1)


def test_a_silent_member_counts_no_more_and_is_forgotten_later() -> None:
    hub = DrivenHub()
    hub.exchange(MadeMember("a").report(Slot(1000, 1, 1), totals=Totals(in_flight=4)))
    other = MadeMember("b")
    hub.now += SILENT_AFTER
    view = hub.exchange(other.report())
    assert view.members == 1
    assert hub.fleet().totals.in_flight == 0
    assert [entry.silent for entry in hub.state.members(hub.now)] == [False, True]
    hub.now += FORGET_AFTER
    hub.exchange(other.report())
    assert [entry.info.id for entry in hub.state.members(hub.now)] == ["b"]


def test_many_silent_members_are_cleared_by_and_by() -> None:
    hub, last = DrivenHub(), MadeMember("last")
    for number in range(10):
        hub.exchange(MadeMember(str(number)).report(Slot(1000, 1, 1)))
    hub.now += SILENT_AFTER
    counts = [hub.exchange(last.report()).members for _ in range(4)]
    assert counts == [8, 5, 2, 1]


def test_a_member_that_leaves_in_order_is_gone_at_once() -> None:
    hub, member = DrivenHub(), MadeMember("a")
    hub.exchange(member.report(Slot(1000, 1, 1)))
    view = hub.exchange(member.report(Slot(1000, 1, 1), leaving=True))
    assert view.members == 0
    assert hub.fleet().members == 0
    assert hub.fleet().slots == ()


def test_slots_that_are_too_old_are_dropped() -> None:
    hub, member = DrivenHub(), MadeMember("a")
    hub.exchange(member.report(Slot(1000, 1, 1)))
    hub.now += 11
    hub.exchange(MadeMember("b").report(Slot(1011, 1, 0)))
    hub.exchange(member.report(Slot(1000, 1, 1), Slot(1011, 1, 0)))
    assert [slot.number for slot in hub.fleet().slots] == [1011]


# --- episodes


def test_the_first_proposal_that_follows_what_its_author_saw_is_taken() -> None:
    hub, first, second = DrivenHub(), MadeMember("a"), MadeMember("b")
    trip = opened(NONE, hub.now, TROUBLE)
    view = hub.exchange(first.report(proposal=trip))
    assert pool_of(view).episode == trip
    other = trip._replace(bad=1)
    assert pool_of(hub.exchange(second.report(proposal=other))).episode == trip


def test_calls_of_another_generation_are_load_and_no_evidence() -> None:
    hub, first, second = DrivenHub(), MadeMember("a"), MadeMember("b")
    hub.exchange(first.report(Slot(1000, 2, 2, offered=2, ended=2)))
    hub.exchange(second.report(proposal=opened(NONE, hub.now, TROUBLE)))
    slot = slot_of(hub)
    assert (slot.calls, slot.failures, slot.members, slot.bad_members) == (0, 0, 0, 0)
    assert (slot.offered, slot.ended) == (2, 2)
    hub.exchange(first.report(Slot(1000, 3, 3, offered=3, ended=3)))
    assert (slot_of(hub).calls, slot_of(hub).offered) == (0, 3)
    view = hub.exchange(first.report(Slot(1000, 1, 1, offered=4, ended=4), generation=1))
    assert pool_of(view).slots[-1].calls == 1
    hub.exchange(first.report(generation=1))
    assert hub.fleet().slots == ()


def test_a_hub_that_went_back_gets_its_episode_again() -> None:
    hub, member = DrivenHub(), MadeMember("a")
    trip = opened(NONE, hub.now, TROUBLE)
    hub.exchange(member.report(proposal=trip))
    before = copy.deepcopy(hub.records)
    ramp = ramping(trip, hub.now + 1, 0.1)
    hub.exchange(member.report(proposal=ramp, expected=trip.version))
    hub.records.__dict__.update(before.__dict__)
    end = closed(ramp, hub.now + 2)
    view = hub.exchange(member.report(proposal=end, expected=ramp.version))
    assert pool_of(view).episode == end


def test_a_wiped_hub_has_a_later_epoch_and_takes_back_what_members_know() -> None:
    hub, member = DrivenHub(), MadeMember("a")
    trip = opened(NONE, hub.now, TROUBLE)
    first = hub.exchange(member.report(proposal=trip))
    hub.now += 1
    hub.wipe()
    second = hub.exchange(member.report(expected=trip.version))
    assert second.epoch > first.epoch
    assert pool_of(second).episode is None
    third = hub.exchange(member.report(expected=trip.version, proposal=trip))
    assert pool_of(third).episode == trip


def test_the_worst_members_come_first_and_are_no_more_than_three() -> None:
    hub = DrivenHub()
    for name, failures in (("a", 1), ("b", 4), ("c", 2), ("d", 3), ("e", 0)):
        hub.exchange(MadeMember(name).report(Slot(1000, 4, failures)))
    assert [worst.member for worst in hub.fleet().worst] == ["b", "d", "c"]


def test_a_sketch_is_the_sum_of_the_sketches() -> None:
    hub, member = DrivenHub(), MadeMember("a")
    hub.exchange(member.report(Slot(1000, 5)))
    hub.exchange(MadeMember("b").report(Slot(1000, 2)))
    assert hub.state.pool(POOL, FLEET, hub.now)[1] == (3, 7)
    hub.exchange(member.report())
    assert hub.state.pool(POOL, FLEET, hub.now)[1] == (3, 2)
