from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from breakerd import BreakerStateError, Registry, State
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.messages import Act
from breakerd.breaker.fleet.runtime import commands
from breakerd.breaker.fleet.runtime.command_result import CommandResult
from breakerd.breaker.fleet.runtime.fleet import Fleet
from breakerd.breaker.fleet.runtime.runtime import FleetRuntime
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from tests.support.fleet_members import LIMIT, BreakableHub, Member, called

Make = Callable[..., Member]


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command waits until all have told, however slow the machine is."""
    monkeypatch.setattr(commands, "ANSWER_TIME", LIMIT)
    monkeypatch.setattr(commands, "_START_TIME", LIMIT)
    monkeypatch.setattr(commands, "_MEET_TIME", LIMIT)


@pytest.fixture
def pair(make: Make) -> tuple[Member, Member]:
    """Two processes that have called `payments`."""
    one, other = make("a"), make("b")
    one.called()
    other.called()
    return one, other


def states(pair: tuple[Member, Member]) -> list[State]:
    return [each.registry.get("payments").state for each in pair]


def reached_all(result: CommandResult) -> bool:
    return (result.applied, result.waiting, result.silent, result.refused) == (2, 0, 0, ())


def test_a_trip_reaches_all_and_a_reset_too(pair: tuple[Member, Member]) -> None:
    one, other = pair
    assert reached_all(one.fleet.trip("payments", "a leak", by="ada"))
    assert states(pair) == [State.OPEN, State.OPEN]
    assert other.registry.get("payments").status()["note"] == "a leak"
    assert reached_all(other.fleet.reset("payments", by="ada"))
    assert State.OPEN not in states(pair)


@pytest.mark.parametrize(
    ("command", "state"),
    [
        ("disable", State.DISABLED),
        ("force_open", State.FORCED_OPEN),
        ("observe", State.OBSERVE),
    ],
)
def test_a_mode_reaches_all_and_ends_in_all(
    pair: tuple[Member, Member], command: str, state: State
) -> None:
    one, other = pair
    assert reached_all(getattr(one.fleet, command)("payments", by="ada"))
    assert states(pair) == [state, state]
    assert reached_all(other.fleet.enable("payments", by="bob"))
    assert state not in states(pair)


def test_a_reset_ends_force_open_and_no_other_mode(pair: tuple[Member, Member]) -> None:
    one, other = pair
    one.fleet.force_open("payments")
    other.fleet.reset("payments")
    assert State.FORCED_OPEN not in states(pair)
    one.fleet.disable("payments")
    other.fleet.reset("payments")
    assert states(pair) == [State.DISABLED, State.DISABLED]


def test_a_new_process_takes_up_a_mode(pair: tuple[Member, Member], make: Make) -> None:
    pair[0].fleet.disable("payments")
    third = make("c")
    assert third.called().state is State.DISABLED


def test_the_first_call_of_a_later_breaker_meets_the_mode(make: Make) -> None:
    one, other = make("a"), make("b", interval=10)
    one.called()
    one.fleet.force_open("payments")
    other.meet()
    assert not other.registry.get("payments").allow()


def test_who_does_not_hold_the_breaker_is_counted(pair: tuple[Member, Member], make: Make) -> None:
    third = make("c")
    result = pair[0].fleet.disable("payments")
    assert (result.applied, result.without) == (2, 1)
    assert str(result) == "applied 2, waiting 0, silent 0, without this breaker 1"
    assert third.called().state is State.DISABLED


def test_what_nobody_can_do_is_an_error(pair: tuple[Member, Member]) -> None:
    one, other = pair
    one.fleet.disable("payments")
    with pytest.raises(BreakerStateError):
        other.fleet.trip("payments")


def test_what_some_cannot_do_is_told(pair: tuple[Member, Member]) -> None:
    one, other = pair
    other.registry.get("payments").disable()
    result = one.fleet.trip("payments")
    assert (result.applied, len(result.refused)) == (1, 1)
    assert "refused 1 (" in str(result)


def test_a_breaker_that_nobody_has_called_does_it_here(make: Make) -> None:
    one = make("a")
    one.registry.get("search")
    assert one.fleet.trip("search") == CommandResult(applied=1)
    assert one.registry.get("search").state is State.OPEN
    assert one.fleet.disable("search") == CommandResult(applied=1)
    assert one.registry.get("search").state is State.DISABLED


def test_what_this_process_cannot_do_nobody_is_given(
    pair: tuple[Member, Member], make: Make
) -> None:
    third = make("c")
    third.registry.get("payments").disable()
    with pytest.raises(BreakerStateError):
        third.fleet.trip("payments")
    for each in pair:
        each.meet()
    assert State.OPEN not in states(pair)


def test_a_breaker_that_is_called_meanwhile_does_it_once(
    pair: tuple[Member, Member], make: Make, hub: BreakableHub
) -> None:
    third = make("c")
    mine = third.registry.get("payments")
    give = hub.act

    def call_first(act: Act) -> Act:
        answer = give(act)
        mine.reset()
        called(third.registry)
        return answer

    hub.act = call_first  # type: ignore[method-assign]
    assert third.fleet.trip("payments") == CommandResult(applied=3)
    third.meet()
    assert (mine.state is State.OPEN, states(pair)) == (False, [State.OPEN] * 2)


def test_a_breaker_that_only_others_have_called_does_it_here_too(
    pair: tuple[Member, Member], make: Make
) -> None:
    third = make("c")
    mine = third.registry.get("payments")
    assert third.fleet.trip("payments") == CommandResult(applied=3)
    assert [mine.state, *states(pair)] == [State.OPEN] * 3


def test_without_a_hub_it_is_done_here(tmp_path: Path) -> None:
    with Registry(memory=lambda: 0.5) as registry:
        settings = FleetSettings(hub="none")
        runtime = FleetRuntime(registry, settings, tmp_path / "a.db", tmp_path / "modes.json")
        fleet = Fleet(runtime, registry.get)
        breaker = called(registry)
        assert not fleet.in_force
        assert fleet.members() == ()
        assert fleet.trip("payments") == CommandResult(applied=1)
        assert breaker.state is State.OPEN
        assert fleet.observe("payments") == CommandResult(applied=1)
        assert breaker.state is State.OBSERVE
        assert fleet.enable("payments") == CommandResult(applied=1)
        assert breaker.state not in {State.OPEN, State.OBSERVE}


# --- before the start, and after the end


def test_a_command_may_be_the_first_use_of_a_process(
    pair: tuple[Member, Member], hub: BreakableHub, tmp_path: Path
) -> None:
    """The process becomes a member as by a call, however long that takes: nothing is lost."""
    late = Member(hub, tmp_path, "c")
    begins = threading.Event()

    def start() -> None:
        begins.wait(LIMIT)
        late.runtime.start()

    starter = threading.Thread(target=start)
    late.registry.on_first_use = starter.start
    threading.Timer(0.1, begins.set).start()
    try:
        assert late.fleet.disable("payments").applied == 3
        assert states(pair) == [State.DISABLED, State.DISABLED]
    finally:
        begins.set()
        late.close()
    starter.join()


def test_a_reset_by_a_new_process_ends_a_mode_that_it_has_not_heard_of(
    pair: tuple[Member, Member], hub: BreakableHub, tmp_path: Path
) -> None:
    pair[0].fleet.force_open("payments")
    late = Member(hub, tmp_path, "c")
    late.registry.on_first_use = late.runtime.start
    try:
        assert late.fleet.reset("payments").applied == 3
        assert not {State.FORCED_OPEN} & {*states(pair)}
        assert [each.mode for each in pair[0].runtime.session.registers] == [""]  # type: ignore[union-attr]
    finally:
        late.close()


def test_a_process_that_never_starts_says_that_only_it_has_done_it(
    hub: BreakableHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_START_TIME", 0.05)
    alone = Member(hub, tmp_path, "c")
    result = alone.fleet.disable("payments")
    assert str(result).endswith(
        "; done in this process only: this process decides alone: not started yet: it starts with "
        "the first call"
    )
    assert (result.applied, alone.registry.get("payments").state) == (1, State.DISABLED)
    assert alone.fleet.enable("payments").problem == result.problem
    alone.close()


def test_a_process_that_has_ended_says_so_at_once(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_START_TIME", 1e9)
    one = make("a")
    one.runtime.close()
    assert "done in this process only" in one.fleet.disable("payments").problem


# --- the hub is away


def test_a_mode_given_meanwhile_is_brought_to_the_others(
    pair: tuple[Member, Member], hub: BreakableHub
) -> None:
    one, other = pair
    hub.away = True
    result = one.fleet.disable("payments", by="ada")
    assert (result.applied, result.waiting) == (1, 1)
    assert "the hub is away" in str(result)
    assert states(pair)[0] is State.DISABLED
    assert other.registry.get("payments").state is not State.DISABLED
    hub.away = False
    one.meet()
    other.meet()
    assert states(pair) == [State.DISABLED, State.DISABLED]


def test_an_act_given_meanwhile_is_done_here_only(
    pair: tuple[Member, Member], hub: BreakableHub
) -> None:
    one, other = pair
    hub.away = True
    result = one.fleet.trip("payments", by="ada")
    assert (result.applied, result.silent) == (1, 1)
    assert "in this process only" in str(result)
    hub.away = False
    one.meet()
    other.meet()
    assert states(pair)[0] is State.OPEN
    assert states(pair)[1] is not State.OPEN
    assert len(one.fleet.members()) == 2
    hub.away = True
    assert one.fleet.members() == ()


def test_a_hub_that_goes_away_while_it_is_followed_is_told(
    pair: tuple[Member, Member], hub: BreakableHub
) -> None:
    hub.loses = {"progress"}
    result = pair[0].fleet.trip("payments")
    assert "the hub is away" in result.problem


def test_the_answer_does_not_wait_for_who_is_stuck(
    pair: tuple[Member, Member], hub: BreakableHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    monkeypatch.setattr(commands, "ANSWER_TIME", 3.0)
    stuck = other.runtime.session
    assert stuck is not None
    exchange = hub.exchange

    def cut(report: object) -> object:
        if report.member.host == "b":  # type: ignore[attr-defined]
            raise HubUnavailableError("cut")
        return exchange(report)  # type: ignore[arg-type]

    hub.exchange = cut  # type: ignore[assignment,method-assign]
    result = one.fleet.trip("payments")
    assert (result.applied, result.waiting) == (1, 1)


@pytest.mark.parametrize(("command", "state"), [("disable", State.DISABLED), ("trip", State.OPEN)])
def test_who_is_still_to_return_to_a_hub_that_has_forgotten_is_waited_for(
    command: str, state: State, make: Make, hub: BreakableHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = make("a"), make("b", interval=3600.0)
    one.called()
    other.called()
    one.meet()
    hub.inner.wipe()
    monkeypatch.setattr(commands, "ANSWER_TIME", 1.0)
    result = getattr(one.fleet, command)("payments")
    assert (result.applied, result.waiting) == (1, 1)
    other.meet()
    assert states((one, other)) == [state, state]


def test_an_act_whose_answer_is_lost_is_done_once(
    pair: tuple[Member, Member], hub: BreakableHub
) -> None:
    one, other = pair
    hub.loses = {"act"}
    result = one.fleet.trip("payments")
    assert "the hub is away" in result.problem
    assert states(pair)[0] is State.OPEN
    one.registry.get("payments").reset()
    other.meet()
    one.meet()
    assert states(pair)[1] is State.OPEN, "the hub has it"
    assert states(pair)[0] is not State.OPEN, "not once more"


def test_modes_that_were_set_while_the_hub_was_away_follow_each_other(
    pair: tuple[Member, Member], hub: BreakableHub
) -> None:
    one, other = pair
    hub.away = True
    one.fleet.disable("payments")
    one.fleet.enable("payments")
    one.fleet.force_open("payments")
    one.fleet.reset("payments")
    assert not {State.DISABLED, State.FORCED_OPEN} & {*states(pair)}
    hub.away = False
    one.meet()
    other.meet()
    assert not {State.DISABLED, State.FORCED_OPEN} & {*states(pair)}
    assert [each.mode for each in other.runtime.session.registers] == [""]  # type: ignore[union-attr]


def test_the_end_of_a_mode_that_is_kept_for_the_others_is_told_as_such(
    pair: tuple[Member, Member], hub: BreakableHub
) -> None:
    one, other = pair
    one.fleet.disable("payments")
    hub.away = True
    result = one.fleet.enable("payments")
    assert (result.applied, result.waiting, result.silent) == (1, 1, 0)
    assert "its end is brought to the others" in result.problem
    assert "in this process only" in one.fleet.reset("payments").problem
    hub.away = False
    one.meet()
    other.meet()
    assert State.DISABLED not in states(pair)


def test_the_result_tells_the_state_of_most(pair: tuple[Member, Member], make: Make) -> None:
    assert pair[0].fleet.force_open("payments").state is State.FORCED_OPEN
    third = make("c")
    assert third.fleet.reset("payments").state is State.CLOSED
    assert third.fleet.reset("search").state is None, "nobody has it"


# --- breakers that exist and were not called


def test_an_act_reaches_a_breaker_that_was_not_called_yet(
    pair: tuple[Member, Member], make: Make
) -> None:
    third = make("c")
    mine = third.registry.get("payments")
    result = pair[0].fleet.trip("payments")
    assert (result.applied + result.waiting + result.without, result.refused) == (3, ())
    third.meet()
    assert mine.state is State.OPEN
    assert pair[0].fleet.reset("payments").applied == 3
    assert mine.state is State.CLOSED


def test_of_processes_that_only_look_on_all_do_what_is_for_nobody_else(
    hub: BreakableHub, make: Make
) -> None:
    two = [make("a", looks_on=True), make("b", looks_on=True)]
    breakers = [each.registry.get("payments") for each in two]
    assert two[0].fleet.trip("payments") == CommandResult(applied=1)
    two[1].meet()
    assert [breaker.state for breaker in breakers] == [State.OPEN] * 2
    breakers[1].disable()
    assert two[0].fleet.trip("payments") == CommandResult(applied=1)
    two[1].meet()
    assert breakers[1].state is State.DISABLED, "it cannot, and nobody minds"
    hub.away = True
    assert two[0].fleet.reset("payments").applied == 1
    assert breakers[0].state is State.CLOSED


def test_who_looks_on_leaves_it_to_those_that_hold_the_breaker(
    pair: tuple[Member, Member], make: Make
) -> None:
    third = make("c", looks_on=True)
    mine = third.registry.get("payments")
    assert pair[0].fleet.trip("payments").applied == 2
    third.meet()
    assert mine.state is State.CLOSED
