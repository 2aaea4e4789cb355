"""Promises of every hub to its members, one a test."""

from __future__ import annotations

import pytest

from breakerd.breaker.fleet.episode import Episode, Trouble, closed, opened
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError, Progress
from breakerd.breaker.fleet.messages import (
    Act,
    BreakerReport,
    LeaseResult,
    PoolView,
    Register,
    Report,
    ScopeReport,
    Slot,
    View,
)
from tests.fleet.hubs.conftest import KINDS
from tests.support.fleet_hubs import DrivenTime, HubUnderTest
from tests.support.fleet_reports import POOL, MadeMember, pool_of

TROUBLE = Trouble(2, 2, 0)


def slot(time: DrivenTime, calls: int, failures: int = 0) -> Slot:
    return Slot(int(time.now), calls, failures, calls, 10 * calls, calls)


def sums(view: View | PoolView) -> tuple[int, int, int, int]:
    """Calls and failures, members with calls and those in trouble, of all slots of the fleet."""
    pool = view if isinstance(view, PoolView) else pool_of(view)
    return (
        sum(s.calls for s in pool.slots),
        sum(s.failures for s in pool.slots),
        sum(s.members for s in pool.slots),
        sum(s.bad_members for s in pool.slots),
    )


def knowing(report: Report, view: View) -> Report:
    """The report of a member that has seen `view`."""
    return report._replace(epoch=view.epoch, register_version=view.register_version)


# --- sums


def test_windows_of_all_members_are_added_up(tested: HubUnderTest, time: DrivenTime) -> None:
    for name, host, failures in (("a", "h1", 0), ("b", "h1", 2), ("c", "h2", 2)):
        view = tested.hub.exchange(MadeMember(name, host).report(slot(time, 2, failures)))
    assert sums(view) == (6, 4, 3, 2)
    (row,) = pool_of(view).slots
    assert (row.hosts, row.bad_hosts) == (2, 1), "half of the calls of h1 is no trouble of it"
    assert view.members == 3
    assert pool_of(view).members == 3
    of_host, _ = tested.hub.pool(POOL, "host:h1")
    assert sums(of_host) == (4, 2, 2, 1)


def test_a_busy_member_counts_as_one_unit(tested: HubUnderTest, time: DrivenTime) -> None:
    tested.hub.exchange(MadeMember("busy").report(slot(time, 900, 900)))
    view = tested.hub.exchange(MadeMember("quiet").report(slot(time, 3)))
    assert sums(view) == (6, 3, 2, 1)
    assert pool_of(view).totals.calls == 903


def test_a_window_replaces_the_one_before(tested: HubUnderTest, time: DrivenTime) -> None:
    one = MadeMember("a")
    tested.hub.exchange(one.report(slot(time, 1)))
    assert sums(tested.hub.exchange(one.report(slot(time, 2, 1)))) == (2, 1, 1, 0)
    assert sums(tested.hub.exchange(one.report())) == (0, 0, 0, 0)


def test_a_lost_answer_or_a_retry_counts_nothing_twice(
    tested: HubUnderTest, time: DrivenTime
) -> None:
    one, other = MadeMember("a"), MadeMember("b")
    report = one.report(slot(time, 2, 1))
    for _ in range(3):
        view = tested.hub.exchange(report)
    assert sums(view) == (2, 1, 1, 0)
    older, newer = other.report(slot(time, 1)), other.report(slot(time, 3))
    tested.hub.exchange(newer)
    assert sums(tested.hub.exchange(older)) == (5, 1, 2, 0), "an older one is passed over"


def test_a_restart_takes_the_place_of_the_process_before(
    tested: HubUnderTest, time: DrivenTime
) -> None:
    first, second = MadeMember("a", incarnation=1), MadeMember("a", incarnation=2)
    tested.hub.exchange(first.report(slot(time, 3)))
    assert sums(tested.hub.exchange(second.report(slot(time, 1)))) == (1, 0, 1, 0)
    view = tested.hub.exchange(first.report(slot(time, 3)))
    assert sums(view) == (1, 0, 1, 0), "two processes with one id are one member"
    assert view.members == 1


def test_a_member_that_moves_leaves_its_former_host(tested: HubUnderTest, time: DrivenTime) -> None:
    one = MadeMember("a", "h1", "z1")
    tested.hub.exchange(one.report(slot(time, 2)))
    one.host, one.zone = "h2", "z2"
    tested.hub.exchange(one.report(slot(time, 2)))
    found = [tested.hub.pool(POOL, scope)[0] for scope in ("host:h1", "zone:z1", "host:h2")]
    assert [(sums(pool)[0], pool.members) for pool in found] == [(0, 0), (0, 0), (2, 1)]


def test_what_is_old_is_not_shown(tested: HubUnderTest, time: DrivenTime) -> None:
    one = MadeMember("a")
    tested.hub.exchange(one.report(slot(time, 2), state="open"))
    time.now += 6
    view = tested.hub.exchange(one.report(state="open"))
    assert pool_of(view).slots == ()
    assert pool_of(view).states == (("open", 1),)


def test_the_worst_members_are_named(tested: HubUnderTest, time: DrivenTime) -> None:
    for name, failures in (("a", 1), ("b", 4), ("c", 2), ("d", 3), ("e", 0)):
        view = tested.hub.exchange(MadeMember(name, f"h{name}").report(slot(time, 4, failures)))
    worst = [(each.member, each.host, each.failures) for each in pool_of(view).worst]
    assert worst == [("b", "hb", 4), ("d", "hd", 3), ("c", "hc", 2)]


def test_durations_are_merged(tested: HubUnderTest, time: DrivenTime) -> None:
    for name in ("a", "b"):
        tested.hub.exchange(MadeMember(name).report(slot(time, 2)))
    assert tested.hub.pool(POOL, "fleet")[1] == (3, 4)
    assert tested.hub.pool("unknown|web", "fleet")[1] == ()


def test_a_thousand_breakers_are_one_exchange(tested: HubUnderTest, time: DrivenTime) -> None:
    one = MadeMember("a", "h", "z")
    report = one.report(slot(time, 2, 1))
    (pattern,) = report.breakers
    many = tuple(pattern._replace(pool=f"b{n}|web") for n in range(1000))
    view = tested.hub.exchange(report._replace(breakers=many))
    assert [each.pool for each in view.breakers] == [each.pool for each in many]
    assert {sums(each.scopes[-1]) for each in view.breakers} == {(2, 1, 1, 0)}


# --- members


def test_the_silent_are_counted_until_they_return_leave_or_are_forgotten(
    tested: HubUnderTest, time: DrivenTime
) -> None:
    asked, *others = (MadeMember(name) for name in "abcd")

    def silent_after(seconds: float) -> int:
        time.now += seconds
        return tested.hub.exchange(asked.report()).silent

    for each in others:
        tested.hub.exchange(each.report())
    assert silent_after(4.0) == 0
    assert silent_after(1.5) == 3
    tested.hub.exchange(others[0].report())
    assert silent_after(1.0) == 2
    tested.hub.exchange(others[1].report(leaving=True))
    assert silent_after(1.0) == 1
    tested.hub.exchange(others[0].report(leaving=True))
    assert silent_after(1.0) == 1
    for _ in range(6):  # each exchange forgets one of those that are gone
        silent = silent_after(600.0)
    assert silent == 0


def test_a_silent_member_counts_no_more(tested: HubUnderTest, time: DrivenTime) -> None:
    silent, other = MadeMember("a", "h1"), MadeMember("b", "h2")
    tested.hub.exchange(silent.report(slot(time, 2, 2)))
    for _ in range(5):
        time.now += 1
        view = tested.hub.exchange(other.report(slot(time, 1)))
    assert view.members == 1
    assert pool_of(view).members == 1
    entries = {each.info.id: each for each in tested.hub.members()}
    assert (entries["a"].silent, entries["b"].silent) == (True, False)
    assert entries["a"].breakers == ((POOL, "closed"),), "what it held is remembered"
    time.now += 601
    for _ in range(3):
        tested.hub.exchange(other.report())
    assert [each.info for each in tested.hub.members()] == [other.info]


def test_a_member_that_leaves_is_gone_at_once(tested: HubUnderTest, time: DrivenTime) -> None:
    leaving, other = MadeMember("a"), MadeMember("b")
    tested.hub.exchange(leaving.report(slot(time, 2)))
    tested.hub.exchange(leaving.report(slot(time, 2), leaving=True))
    view = tested.hub.exchange(other.report(slot(time, 1)))
    assert view.members == 1
    assert sums(view) == (1, 0, 1, 0)
    assert [each.info.id for each in tested.hub.members()] == ["b"]
    register = tested.hub.set_mode(Register("search", "disabled", id="1"))
    assert tested.hub.progress("search", register.id) == Progress(0, 0, 0, 1)
    tested.hub.exchange(leaving.report())
    assert len(tested.hub.members()) == 2, "a process may come back under its name"


def test_members_are_listed_as_they_are(tested: HubUnderTest, time: DrivenTime) -> None:
    report = MadeMember("ä {}", "h-1", "z").report(state="half_open")
    info = report.member._replace(
        incarnation=1_796_075_100_123_456_789, pid=7, labels=(("pod", "web »7«"),)
    )
    tested.hub.exchange(report._replace(member=info))
    time.now += 1.5
    (entry,) = tested.hub.members()
    assert entry.info == info
    assert entry.age == pytest.approx(1.5, abs=0.01)
    assert entry.breakers == ((POOL, "half_open"),)


# --- episodes and leases


def test_of_two_trips_one_is_the_episode(tested: HubUnderTest, time: DrivenTime) -> None:
    one, other = MadeMember("a"), MadeMember("b")
    first = opened(Episode(), time.now, TROUBLE)
    second = first._replace(reason="overload")
    tested.hub.exchange(one.report(proposal=first))
    view = tested.hub.exchange(other.report(proposal=second))
    assert pool_of(view).episode == first
    other.learn(view)
    ended = closed(first, time.now)
    assert pool_of(tested.hub.exchange(other.report(proposal=ended))).episode == ended


def test_calls_count_in_their_generation_only(tested: HubUnderTest, time: DrivenTime) -> None:
    one, other = MadeMember("a"), MadeMember("b")
    tested.hub.exchange(one.report(slot(time, 2, 2)))
    view = tested.hub.exchange(
        other.report(slot(time, 2, 2), proposal=opened(Episode(), time.now, TROUBLE))
    )
    assert sums(view)[:2] == (0, 0), "neither has seen the new generation"
    one.learn(view)
    assert sums(tested.hub.exchange(one.report(slot(time, 1))))[:2] == (1, 0)


def test_probes_have_one_budget(tested: HubUnderTest, time: DrivenTime) -> None:
    one, other = MadeMember("a", "h1"), MadeMember("b", "h2")
    view = tested.hub.exchange(one.report(proposal=opened(Episode(), time.now, TROUBLE), wants=1))
    lease = pool_of(view).lease
    assert lease is not None
    assert lease.until == pytest.approx(time.now + 1)
    assert pool_of(tested.hub.exchange(other.report(wants=1))).lease is None
    assert pool_of(tested.hub.exchange(one.report(wants=1))).lease == lease, "it still has it"
    view = tested.hub.exchange(one.report(wants=0, result=LeaseResult(lease.id, "unused")))
    assert pool_of(tested.hub.exchange(other.report(wants=1))).lease is not None


def test_hosts_take_turns(tested: HubUnderTest, time: DrivenTime) -> None:
    one, other = MadeMember("a", "h1"), MadeMember("b", "h2")
    view = tested.hub.exchange(one.report(proposal=opened(Episode(), time.now, TROUBLE), wants=1))
    lease = pool_of(view).lease
    assert lease is not None
    tested.hub.exchange(other.report(wants=1))
    time.now += 1.0
    result = LeaseResult(lease.id, "bad")
    assert pool_of(tested.hub.exchange(one.report(wants=1, result=result))).lease is None
    assert pool_of(tested.hub.exchange(other.report(wants=1))).lease is not None


# --- commands


def test_the_last_mode_that_was_set_reaches_everybody(
    tested: HubUnderTest, time: DrivenTime
) -> None:
    one = MadeMember("a")
    first = tested.hub.set_mode(Register("payments", "disabled", id="1", actor="ada"))
    assert first.at == pytest.approx(time.now)
    time.now += 1
    last = tested.hub.set_mode(Register("payments", "observe", id="0"))
    view = tested.hub.exchange(one.report())
    assert view.registers == (last,)
    assert tested.hub.exchange(knowing(one.report(), view)).registers == ()
    tested.hub.exchange(knowing(one.report(registers=(first,)), view))
    late = tested.hub.exchange(MadeMember("b").report())
    assert late.registers == (last,), "an older one that somebody brings changes nothing"


def test_a_mode_that_ended_is_remembered_for_a_week(tested: HubUnderTest, time: DrivenTime) -> None:
    old = tested.hub.set_mode(Register("payments", "disabled", id="1"))
    time.now += 1
    ended = tested.hub.set_mode(Register("payments", "", id="2"))
    time.now += 6 * 86400
    assert tested.hub.exchange(MadeMember("a").report(registers=(old,))).registers == (ended,)
    time.now += 86401
    assert tested.hub.exchange(MadeMember("b").report()).registers == ()


def test_an_act_is_for_those_who_are_there(tested: HubUnderTest, time: DrivenTime) -> None:
    one, other, late = MadeMember("a"), MadeMember("b"), MadeMember("c")
    for each in (one, other):
        tested.hub.exchange(each.report())
    time.now += 1
    act = tested.hub.act(Act("x", "trip", "payments", note="why", actor="ada"))
    again = tested.hub.act(Act("x", "reset", "payments"))
    assert again.at == act.at
    time.now += 1
    assert tested.hub.exchange(late.report()).acts == ()
    assert tested.hub.exchange(one.report()).acts == (act,)
    assert tested.hub.exchange(one.report()).acts == (act,), "until it says that it is done"
    assert tested.hub.exchange(one.report(applied=(("x", "done"),))).acts == ()
    assert tested.hub.exchange(one.report()).acts == ()
    time.now += 29
    assert tested.hub.exchange(other.report()).acts == (), "too late"


def test_it_is_told_how_far_a_command_has_come(tested: HubUnderTest, time: DrivenTime) -> None:
    names = ("done", "refused", "waiting", "silent", "without")
    made = {name: MadeMember(name) for name in names}
    for name, each in made.items():
        report = each.report()
        tested.hub.exchange(report._replace(breakers=()) if name == "without" else report)
    time.now += 0.5
    act = tested.hub.act(Act("x", "trip", "payments"))
    time.now += 4
    tested.hub.exchange(made["without"].report()._replace(breakers=()))
    for name, outcome in (("done", "done"), ("refused", "no: disabled")):
        tested.hub.exchange(made[name].report(applied=((act.id, outcome),)))
    tested.hub.exchange(made["waiting"].report(state="open"))
    time.now += 1
    assert tested.hub.progress("payments", "x") == Progress(
        *(1, 1, 1, 1), refused=(("refused", "no: disabled"),), states=(("closed", 2), ("open", 1))
    )
    mode = tested.hub.set_mode(Register("payments", "disabled", id="m"))
    assert tested.hub.progress("payments", mode.id).applied == 0
    view = tested.hub.exchange(made["done"].report())
    tested.hub.exchange(knowing(made["done"].report(), view))
    assert tested.hub.progress("payments", mode.id).applied == 1


# --- loss


def test_a_state_that_goes_back_is_right_after_one_report_of_each(
    tested: HubUnderTest, time: DrivenTime
) -> None:
    made = [MadeMember(name, f"h{name}") for name in "abc"]
    for each in made:
        tested.hub.exchange(each.report(slot(time, 1, 1)))
    go_back = tested.keep()
    for _ in range(2):
        time.now += 1
        for each in made:
            tested.hub.exchange(each.report(slot(time, 3)))
    epoch = tested.hub.exchange(made[0].report(slot(time, 2))).epoch
    go_back()
    for each in made:
        view = tested.hub.exchange(each.report(slot(time, 2, 1)))
    assert view.epoch == epoch
    assert sums(view) == (6, 3, 3, 0)
    assert sum(row.hosts for row in pool_of(view).slots) == 3


def test_an_episode_that_went_back_is_taken_up_again(
    tested: HubUnderTest, time: DrivenTime
) -> None:
    one = MadeMember("a")
    go_back = tested.keep()
    episode = opened(Episode(), time.now, TROUBLE)
    view = tested.hub.exchange(one.report(proposal=episode))
    one.learn(view)
    go_back()
    view = tested.hub.exchange(one.report(proposal=episode))
    assert pool_of(view).episode == episode


def test_a_wipe_is_seen_by_a_later_epoch(tested: HubUnderTest, time: DrivenTime) -> None:
    one, other = MadeMember("a"), MadeMember("b")
    tested.hub.exchange(one.report(slot(time, 2)))
    register = tested.hub.set_mode(Register("payments", "disabled", id="1"))
    before = tested.hub.exchange(other.report(slot(time, 2)))
    time.now += 1
    tested.wipe()
    view = tested.hub.exchange(knowing(one.report(slot(time, 2)), before))
    assert view.epoch > before.epoch
    assert (view.members, sums(view)) == (1, (2, 0, 1, 0))
    assert view.registers == ()
    view = tested.hub.exchange(knowing(other.report(slot(time, 2), registers=(register,)), before))
    assert sums(view) == (4, 0, 2, 0)
    assert view.registers == (register,)


def test_an_act_after_a_wipe_is_for_those_who_were_there(
    tested: HubUnderTest, time: DrivenTime
) -> None:
    one, later = MadeMember("a"), MadeMember("b")
    before = tested.hub.exchange(one.report())
    time.now += 1
    tested.wipe()
    act = tested.hub.act(Act("1", "trip", "payments", at=time.now))
    time.now += 0.5
    assert tested.hub.exchange(knowing(one.report(), before)).acts == (act,)
    assert tested.hub.exchange(later.report()).acts == ()
    assert tested.hub.exchange(one.report(applied=(("1", "done"),))).acts == ()


@pytest.mark.parametrize("tested", [kind for kind in KINDS if kind != "memory"], indirect=True)
def test_data_of_another_program_is_not_taken_for_its_own(
    tested: HubUnderTest, time: DrivenTime
) -> None:
    one = MadeMember("a")
    before = tested.hub.exchange(one.report(slot(time, 2)))
    tested.spoil()
    time.now += 1
    view = tested.hub.exchange(one.report(slot(time, 2)))
    assert view.epoch > before.epoch
    assert sums(view) == (2, 0, 1, 0)
    assert sums(tested.hub.exchange(one.report(slot(time, 3)))) == (3, 0, 1, 0)


def test_a_report_of_the_version_before_is_served(tested: HubUnderTest, time: DrivenTime) -> None:
    """Its tuples are shorter: what it does not know has the value for not known."""
    old = Report(
        MadeMember("a", "h").info,
        1,
        breakers=(
            BreakerReport(
                POOL,
                slots=(Slot(int(time.now), 2, 1),),
                scopes=(ScopeReport("host:h"), ScopeReport("fleet")),
            ),
        ),
    )
    assert sums(tested.hub.exchange(old)) == (2, 1, 1, 0)


def test_a_command_that_was_held_up_is_refused(tested: HubUnderTest, time: DrivenTime) -> None:
    mode = Register("payments", "disabled", id="1", at=time.now)
    act = Act("2", "trip", "payments", at=time.now)
    time.now += 0.9
    assert tested.hub.set_mode(mode).at == pytest.approx(time.now)
    assert tested.hub.act(act).at == pytest.approx(time.now)
    time.now += 0.2
    for command in (lambda: tested.hub.set_mode(mode), lambda: tested.hub.act(act)):
        with pytest.raises(HubUnavailableError, match="too late"):
            command()


def test_a_member_whose_host_is_all_there_is_counts_once(
    tested: HubUnderTest, time: DrivenTime
) -> None:
    one = MadeMember("a", "h", "z", one_host=True)
    for _ in range(2):
        view = tested.hub.exchange(one.report(Slot(int(time.now), 4, 1)))
    assert [each.scope for each in view.breakers[0].scopes] == ["fleet"]
    assert view.breakers[0].scopes[0].slots[0][1:8] == (3, 1, 1, 0, 0, 0, 0)
