from __future__ import annotations

from breakerd.breaker.fleet.commands import CommandLog
from breakerd.breaker.fleet.hub.registers import ACT_TIME, KEPT
from breakerd.breaker.fleet.messages import Act, Register
from tests.support.fleet_reports import DrivenHub, MadeMember

NAME = "payments"


def mode(name: str, id_: str) -> Register:
    return Register(NAME, name, id=id_)


def test_a_member_gets_the_modes_that_it_does_not_have() -> None:
    hub, member = DrivenHub(), MadeMember("a")
    written = hub.state.set_mode(mode("disabled", "c1"), hub.now)
    view = hub.exchange(member.report())
    assert view.registers == (written,)
    later = hub.exchange(member.report(epoch=view.epoch, register_version=view.register_version))
    assert later.registers == ()


def test_the_last_writer_wins_whatever_the_order() -> None:
    early = Register(NAME, "disabled", "e1", 10.0, "x")
    late = Register(NAME, "forced_open", "e1", 11.0, "a")
    for brought in ((early, late), (late, early)):
        hub = DrivenHub()
        hub.exchange(MadeMember("a").report(registers=brought))
        assert hub.exchange(MadeMember("b").report()).registers == (late,)


def test_a_new_epoch_is_later_than_the_one_before() -> None:
    hub = DrivenHub()
    before = hub.state.set_mode(mode("disabled", "c1"), hub.now)
    hub.now += 1
    hub.wipe()
    hub.state.set_mode(mode("", "c2"), hub.now)
    view = hub.exchange(MadeMember("a").report(registers=(before,)))
    assert [each.id for each in view.registers] == ["c2"]


def test_an_ended_mode_is_remembered_for_a_week() -> None:
    hub = DrivenHub()
    old = hub.state.set_mode(mode("disabled", "c1"), hub.now)
    hub.now += 1
    hub.state.set_mode(mode("", "c2"), hub.now)
    hub.now += KEPT - 1
    view = hub.exchange(MadeMember("back").report(registers=(old,)))
    assert [each.mode for each in view.registers] == [""]
    hub.now += 2
    assert hub.exchange(MadeMember("b").report()).registers == ()


def test_a_version_grows_also_after_a_state_that_went_back() -> None:
    hub = DrivenHub()
    versions = []
    for _ in range(2):
        hub.wipe()
        hub.now += 0.5
        hub.state.set_mode(mode("disabled", "c"), hub.now)
        versions.append(hub.exchange(MadeMember("a").report()).register_version)
    assert versions[1] > versions[0]


def test_an_act_is_handed_out_until_it_is_done_and_not_to_those_who_join_later() -> None:
    hub, there, late = DrivenHub(), MadeMember("a"), MadeMember("b")
    hub.exchange(there.report())
    hub.now += 1
    act = hub.state.act(Act("x1", "trip", NAME), hub.now)
    hub.state.act(Act("x1", "trip", NAME), hub.now + 5)
    hub.now += 1
    assert hub.exchange(there.report()).acts == (act,)
    assert hub.exchange(late.report()).acts == ()
    assert hub.exchange(there.report(applied=(("x1", "done"),))).acts == ()


def test_an_act_is_not_replayed_after_its_time() -> None:
    hub, member = DrivenHub(), MadeMember("a")
    hub.exchange(member.report())
    hub.state.act(Act("x1", "trip", NAME), hub.now)
    hub.now += ACT_TIME
    assert hub.exchange(member.report()).acts == ()


def test_progress_tells_who_has_done_it() -> None:
    hub = DrivenHub()
    members = [MadeMember(name) for name in "abcd"]
    for member in members:
        hub.exchange(member.report())
    silent = MadeMember("silent")
    hub.exchange(silent.report())
    hub.exchange(MadeMember("other").report(breakers=()))
    hub.now += 4
    for member in members:
        hub.exchange(member.report())
    hub.exchange(MadeMember("other", incarnation=2).report(breakers=()))
    hub.now += 2
    hub.state.act(Act("x1", "trip", NAME), hub.now)
    for member, outcome in zip(members, ("done", "done", "it is disabled"), strict=False):
        hub.exchange(member.report(applied=(("x1", outcome),)))
    progress = hub.state.progress(NAME, "x1", hub.now)
    assert progress[:4] == (2, 1, 1, 1)
    assert progress.refused == (("c", "it is disabled"),)


def test_progress_of_a_mode_counts_the_versions() -> None:
    hub, first, second = DrivenHub(), MadeMember("a"), MadeMember("b")
    hub.exchange(first.report())
    hub.exchange(second.report())
    hub.state.set_mode(mode("disabled", "c1"), hub.now)
    view = hub.exchange(first.report())
    hub.exchange(first.report(epoch=view.epoch, register_version=view.register_version))
    assert hub.state.progress(NAME, "c1", hub.now)[:2] == (1, 1)


def test_a_member_brings_what_a_wiped_hub_lacks() -> None:
    hub, member, log = DrivenHub(), MadeMember("a"), CommandLog()
    written = hub.state.set_mode(mode("disabled", "c1"), hub.now)
    assert log.take_modes(hub.exchange(member.report())) == [written]
    assert log.missing == ()
    hub.now += 1
    hub.wipe()
    assert log.take_modes(hub.exchange(member.report())) == []
    assert log.missing == (written,)
    assert log.has_news
    log.take_modes(hub.exchange(member.report(registers=log.missing)), log.missing)
    assert not log.has_news
    assert hub.exchange(MadeMember("b").report()).registers == (written,)


def test_a_member_does_an_act_once_though_its_answer_was_lost() -> None:
    hub, member, log = DrivenHub(), MadeMember("a"), CommandLog()
    hub.exchange(member.report())
    hub.state.act(Act("x1", "trip", NAME), hub.now)
    assert [act.id for act in log.take_acts(hub.exchange(member.report()))] == ["x1"]
    assert log.take_acts(hub.exchange(member.report())) == []
    log.note("x1", "done")
    assert log.outcomes == (("x1", "done"),)
    log.told(log.outcomes)
    assert log.outcomes == ()
