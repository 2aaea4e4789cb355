from __future__ import annotations

import time

import pytest

from breakerd import Breaker, Settings, State, Transition
from breakerd.breaker.fleet.hub.memory import MemoryHub
from breakerd.breaker.fleet.hub.roster import SILENT_AFTER
from breakerd.breaker.fleet.member import LONGEST_INTERVAL, FleetMember, interval_of
from breakerd.breaker.fleet.messages import Act, MemberInfo, Register
from breakerd.breaker.states import Reason
from tests.support.simulated_fleet import POOL, SimulatedFleet


@pytest.fixture
def fleet() -> SimulatedFleet:
    """Twelve processes that have run well for a while."""
    made = SimulatedFleet(12)
    made.run(20)
    assert made.states() <= {"CLOSED", "WARMING_UP"}
    return made


def trip(fleet: SimulatedFleet) -> None:
    fleet.down = True
    fleet.run(3)


def test_an_outage_opens_all_within_two_seconds(fleet: SimulatedFleet) -> None:
    fleet.down = True
    fleet.run(2.0)
    assert fleet.states() <= {"OPEN", "HALF_OPEN"}
    episode = fleet.pool.episode
    assert episode is not None
    assert episode.phase == "open"


def test_all_members_together_send_one_probe_a_second(fleet: SimulatedFleet) -> None:
    trip(fleet)
    before = fleet.admitted
    fleet.run(20)
    assert 15 <= fleet.admitted - before <= 21


def test_all_calls_pass_soon_after_the_end(fleet: SimulatedFleet) -> None:
    trip(fleet)
    fleet.run(20)
    fleet.down = False
    fleet.run(5)
    before = [process.rejected for process in fleet.processes]
    fleet.run(4)
    assert fleet.states() == {"CLOSED"}
    assert [process.rejected for process in fleet.processes] == before


def test_a_trip_says_how_many_members_are_in_trouble(fleet: SimulatedFleet) -> None:
    trip(fleet)
    trips = [
        transition
        for process in fleet.processes
        for transition in process.log.of(Transition)
        if transition.reason is Reason.FLEET
    ]
    assert len(trips) > 6
    detail = trips[0].evidence[0].detail
    assert detail["scope"] == "fleet"
    assert int(detail["units_in_trouble"]) > 3


def test_one_bad_member_opens_alone_and_nobody_else_rejects(fleet: SimulatedFleet) -> None:
    fleet.processes[3].broken = True
    fleet.run(30)
    others = fleet.processes[:3] + fleet.processes[4:]
    assert fleet.states([fleet.processes[3]]) <= {"OPEN", "HALF_OPEN"}
    assert sum(process.rejected for process in others) == 0
    assert fleet.pool.episode is None
    fleet.processes[3].broken = False
    fleet.run(15)
    assert fleet.states() <= {"CLOSED", "WARMING_UP"}


def test_a_third_of_the_members_open_alone(fleet: SimulatedFleet) -> None:
    for process in fleet.processes[:4]:
        process.broken = True
    fleet.run(20)
    assert fleet.states(fleet.processes[:4]) <= {"OPEN", "HALF_OPEN"}
    assert sum(process.rejected for process in fleet.processes[4:]) == 0


def test_one_bad_host_of_three_opens_as_a_host() -> None:
    fleet = SimulatedFleet(12, hosts=lambda index: f"h{index % 3}")
    fleet.run(20)
    for process in fleet.processes[::3]:
        process.broken = True
    fleet.run(10)
    others = [p for index, p in enumerate(fleet.processes) if index % 3]
    assert fleet.states(fleet.processes[::3]) <= {"OPEN", "HALF_OPEN"}
    assert sum(process.rejected for process in others) == 0
    assert fleet.pool.episode is None
    episode = fleet.hub.pool(POOL, "host:h0")[0].episode
    assert episode is not None
    assert episode.phase == "open"
    for process in fleet.processes:
        process.broken = False
    fleet.run(10)
    assert fleet.states() <= {"CLOSED", "WARMING_UP"}


def test_an_outage_of_the_fleet_leaves_no_host_open_behind() -> None:
    fleet = SimulatedFleet(12, hosts=lambda index: f"h{index % 3}")
    fleet.run(20)
    trip(fleet)
    fleet.run(10)
    fleet.down = False
    fleet.run(8)
    assert fleet.states() == {"CLOSED"}


def test_a_new_process_rejects_from_its_first_call(fleet: SimulatedFleet) -> None:
    trip(fleet)
    fleet.processes[5] = fleet.start(5, incarnation=2)
    fleet.processes[5].member.exchange()
    assert not fleet.processes[5].call(fleet.clock, down=True)


def test_a_silent_hub_closes_nothing_and_members_go_on_alone(fleet: SimulatedFleet) -> None:
    trip(fleet)
    fleet.hub.away = True
    fleet.run(4)
    assert all(process.member.alone for process in fleet.processes)
    assert fleet.states() <= {"OPEN", "HALF_OPEN"}
    before = fleet.admitted
    fleet.run(20)
    assert fleet.admitted - before <= 20 * 12 * 2 / 8, "about one call in nine probes"
    fleet.down = False
    fleet.run(12)
    assert fleet.states() == {"CLOSED"}


def test_a_hub_that_is_away_from_the_start_is_no_reason_not_to_decide() -> None:
    fleet = SimulatedFleet(4)
    fleet.hub.away = True
    fleet.run(20)
    fleet.down = True
    fleet.run(8)
    assert fleet.states() <= {"OPEN", "HALF_OPEN"}


def test_a_wiped_hub_closes_nothing_and_knows_the_episode_again(fleet: SimulatedFleet) -> None:
    trip(fleet)
    before = fleet.pool.episode
    fleet.hub.wipe()
    for _ in range(40):
        fleet.run(0.05)
        assert fleet.states() <= {"OPEN", "HALF_OPEN"}
    after = fleet.pool.episode
    assert before is not None
    assert after is not None
    assert after.opened == before.opened
    assert after.version >= before.version


def test_lost_answers_are_as_a_silent_hub(fleet: SimulatedFleet) -> None:
    fleet.hub.loses_answers = True
    fleet.run(4)
    assert all(process.member.alone for process in fleet.processes)
    fleet.hub.loses_answers = False
    fleet.run(1)
    assert not any(process.member.alone for process in fleet.processes)
    assert fleet.states() <= {"CLOSED", "WARMING_UP"}


def test_members_that_share_commands_only_decide_alone() -> None:
    fleet = SimulatedFleet(6, shares_evidence=False)
    fleet.run(20)
    fleet.down = True
    fleet.run(8)
    assert fleet.states() <= {"OPEN", "HALF_OPEN"}
    assert fleet.pool.episode is None
    assert fleet.pool.slots == ()


def test_evidence_can_be_given_up_while_an_episode_is_in_force(fleet: SimulatedFleet) -> None:
    trip(fleet)
    for process in fleet.processes:
        process.member.shares_evidence = False
    fleet.down = False
    fleet.run(15)
    assert fleet.states() == {"CLOSED"}


def test_a_stated_wait_is_kept_by_the_fleet_as_well() -> None:
    fleet = SimulatedFleet(8, settings=Settings(error_threshold=0.5, wait_time=20.0))
    fleet.run(20)
    trip(fleet)
    assert fleet.states() <= {"OPEN"}
    before = fleet.admitted
    fleet.run(16)
    assert fleet.admitted == before
    fleet.run(6)
    assert 1 <= fleet.admitted - before <= 7


# --- commands


def test_a_mode_reaches_all_and_a_process_that_comes_later(fleet: SimulatedFleet) -> None:
    written = fleet.hub.set_mode(Register("payments", "forced_open", id="c1", actor="ann"))
    fleet.run(1.1)
    assert fleet.states() == {"FORCED_OPEN"}
    fleet.run(1)
    assert fleet.hub.progress("payments", written.id).applied == 12
    new = fleet.start(12)
    new.member.exchange()
    assert new.breaker.state is State.FORCED_OPEN
    fleet.hub.set_mode(Register("payments", id="c2"))
    fleet.run(1.1)
    assert fleet.states() <= {"CLOSED", "WARMING_UP"}


def test_a_mode_outlives_a_wipe_and_is_not_brought_back_once_ended(fleet: SimulatedFleet) -> None:
    fleet.hub.set_mode(Register("payments", "disabled", id="c1"))
    fleet.run(1.1)
    fleet.hub.wipe()
    fleet.run(2)
    assert fleet.states() == {"DISABLED"}
    away = fleet.processes.pop()
    fleet.hub.set_mode(Register("payments", id="c2"))
    fleet.run(1.1)
    away.member.exchange()
    fleet.run(1.1)
    assert fleet.states([*fleet.processes, away]) <= {"CLOSED", "WARMING_UP"}


def test_what_the_disk_remembers_is_in_force_before_the_first_view(fleet: SimulatedFleet) -> None:
    fleet.hub.set_mode(Register("payments", "disabled", id="c1"))
    fleet.run(1.1)
    remembered = fleet.processes[0].member.registers
    fleet.hub.away = True
    new = fleet.start(20)
    new.member.remove(POOL)
    again = type(new.member)(fleet.hub, new.member.info, fleet.clock, remembered)
    again.add(POOL, new.breaker)
    assert new.breaker.state is State.DISABLED


def test_an_act_is_done_once_by_those_who_are_there(fleet: SimulatedFleet) -> None:
    fleet.hub.act(Act("x1", "trip", "payments", note="maintenance", actor="ann"))
    fleet.run(2)
    assert fleet.states() == {"OPEN"}
    assert fleet.hub.progress("payments", "x1").applied == 12
    new = fleet.start(12)
    new.member.exchange()
    assert new.breaker.state is not State.OPEN
    opened = [
        transition
        for process in fleet.processes
        for transition in process.log.of(Transition)
        if transition.to_state is State.OPEN
    ]
    assert len(opened) == 12


def test_an_operators_trip_is_not_taken_for_trouble_of_the_fleet(fleet: SimulatedFleet) -> None:
    fleet.hub.act(Act("x1", "trip", "payments"))
    fleet.run(5)
    assert fleet.pool.episode is None


def test_a_reset_ends_the_episode_for_all(fleet: SimulatedFleet) -> None:
    trip(fleet)
    before = fleet.pool.episode
    fleet.down = False
    fleet.hub.act(Act("x1", "reset", "payments"))
    fleet.run(1.1)
    after = fleet.pool.episode
    assert before is not None
    assert after is not None
    assert not after.in_force
    assert after.generation > before.generation
    fleet.run(1)
    assert fleet.states() == {"CLOSED"}


def test_what_cannot_be_done_is_told(fleet: SimulatedFleet) -> None:
    fleet.hub.set_mode(Register("payments", "disabled", id="c1"))
    fleet.run(1.1)
    fleet.hub.act(Act("x1", "trip", "payments"))
    fleet.hub.act(Act("x2", "dance", "payments"))
    fleet.run(2)
    for act, words in (("x1", "cannot trip"), ("x2", "does not know")):
        refused = fleet.hub.progress("payments", act).refused
        assert len(refused) == 12
        assert words in refused[0][1]


def test_a_process_that_ends_in_order_is_gone_at_once(fleet: SimulatedFleet) -> None:
    fleet.processes.pop().member.exchange(leaving=True)
    assert len(fleet.hub.members()) == 11
    assert fleet.pool.members == 11


def test_a_breaker_that_is_taken_out_decides_alone(fleet: SimulatedFleet) -> None:
    trip(fleet)
    process = fleet.processes.pop()
    process.member.remove(POOL)
    fleet.down = False
    for _ in range(200):
        fleet.clock.advance(0.1)
        process.call(fleet.clock, down=False)
    assert process.breaker.state is State.CLOSED


def test_on_the_real_clock_a_report_has_all_calls_that_were_reported() -> None:
    hub = MemoryHub()
    breaker = Breaker(name="payments")
    member = FleetMember(hub, MemberInfo("a"), time.monotonic)
    member.add(POOL, breaker)
    member.exchange()
    for error in (False, True):
        assert breaker.allow()
        now = time.monotonic()
        breaker.done(now, now, error=error)
    member.exchange()
    slots = hub.pool(POOL, "fleet")[0].slots
    assert sum(slot.calls for slot in slots) == 2
    assert sum(slot.failures for slot in slots) == 1
    breaker.close()


def test_an_exchange_is_one_operation_or_two(fleet: SimulatedFleet) -> None:
    before = fleet.hub.exchanges
    fleet.run(5)
    assert fleet.hub.exchanges - before == 5 * 12


def test_who_looks_on_counts_for_nobody_until_it_has_a_breaker(fleet: SimulatedFleet) -> None:
    looker = FleetMember(fleet.hub, MemberInfo("looker"), fleet.clock)
    looker.looks_on = True
    assert looker.exchange()
    assert looker.view is not None
    assert looker.view.members == len(fleet.hub.members()) == 12
    looker.add(POOL, Breaker(name="payments", clock=fleet.clock))
    assert looker.exchange()
    assert looker.view.members == len(fleet.hub.members()) == 13


def test_a_very_large_fleet_exchanges_less_often() -> None:
    assert interval_of(1.0, 320, 0.999) == 1.0, "up to about 400 members nothing changes"
    assert interval_of(1.0, 1000, 0.5) == pytest.approx(2.5)
    assert interval_of(1.0, 1000, 0.0) < interval_of(1.0, 1000, 0.9), "they spread"
    assert interval_of(3.0, 1000, 0.5) == 3.0
    assert interval_of(1.0, 100_000, 0.9) == LONGEST_INTERVAL < SILENT_AFTER


def test_in_an_episode_and_alone_the_interval_is_that_of_the_settings(
    fleet: SimulatedFleet,
) -> None:
    member = fleet.processes[0].member
    assert member.view is not None

    def interval() -> float:
        assert member.view is not None
        view = member.view._replace(members=1000)
        member._contact = member._contact._replace(view=view)
        return member.next_interval(1.0, 0.5)

    assert interval() == pytest.approx(2.5)
    trip(fleet)
    assert interval() == 1.0
    fleet.down = False
    fleet.run(30)
    assert interval() == pytest.approx(2.5)
    member._contact = member._contact._replace(alone=True)
    assert interval() == 1.0
