from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd import Registry, Settings, State
from breakerd.breaker.config.file.locking import file_lock
from breakerd.breaker.fleet.hub.file.hub import FileHub
from breakerd.breaker.fleet.messages import Act, Register, Report, View
from breakerd.breaker.fleet.runtime.modes_file import ModesFile
from breakerd.breaker.fleet.runtime.session import Session
from tests.support.fleet_members import BreakableHub, called, session
from tests.support.fleet_reports import MadeMember


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry(memory=lambda: 0.5) as registry:
        yield registry


@pytest.fixture
def one(hub: BreakableHub, registry: Registry, tmp_path: Path) -> Session:
    return session(hub, registry, tmp_path)


def pools(hub: BreakableHub) -> list[str]:
    """Names of the breakers that the only member has brought in."""
    (entry,) = hub.inner.members()
    return sorted(pool.partition("|")[0] for pool, _ in entry.breakers)


def test_a_breaker_with_calls_is_brought_in(
    one: Session, hub: BreakableHub, registry: Registry
) -> None:
    registry.get("search")
    one.exchange()
    called(registry)
    assert one.needs_exchange()
    assert one.exchange()
    assert not one.needs_exchange()
    assert pools(hub) == ["payments"]
    assert one.holds("payments")
    assert not one.holds("search")
    assert not one.alone


def test_new_settings_are_another_digest_and_relevant_ones_another_pool(
    one: Session, hub: BreakableHub, registry: Registry
) -> None:
    breaker = called(registry)
    one.exchange()
    (first,) = hub.inner.members()
    breaker.apply(Settings(minimum_calls=7))
    one.exchange()
    (second,) = hub.inner.members()
    assert second.breakers == first.breakers
    assert second.info.digest != first.info.digest
    breaker.apply(Settings(latency_threshold=7))
    one.exchange()
    (third,) = hub.inner.members()
    assert len(third.breakers) == 1
    assert third.breakers != first.breakers


def test_a_mode_reaches_breakers_without_calls_too(
    one: Session, hub: BreakableHub, registry: Registry
) -> None:
    search = registry.get("search")
    hub.inner.set_mode(Register("search", "disabled", id="1"))
    one.exchange()
    assert search.state is State.DISABLED
    hub.inner.set_mode(Register("search", "", id="2"))
    one.exchange()
    assert search.state is not State.DISABLED


def test_modes_of_this_host_are_in_force_before_the_hub_answers(
    hub: BreakableHub, registry: Registry, tmp_path: Path
) -> None:
    hub.away = True
    ModesFile(tmp_path / "modes.json").add([Register("payments", "forced_open", "e", 5.0)], 5.0)
    payments = registry.get("payments")
    one = session(hub, registry, tmp_path)
    one.apply_modes()
    assert payments.state is State.FORCED_OPEN
    assert not one.exchange()
    assert payments.state is State.FORCED_OPEN


def test_what_the_hub_says_of_modes_is_kept_on_this_host(
    one: Session, hub: BreakableHub, tmp_path: Path
) -> None:
    given = hub.inner.set_mode(Register("payments", "observe", id="1", actor="ada"))
    one.exchange()
    assert ModesFile(tmp_path / "modes.json").read() == (given,)


def test_a_mode_that_was_set_while_the_hub_was_away_is_brought_to_it(
    one: Session, hub: BreakableHub
) -> None:
    one.exchange()
    view = one.view
    assert view is not None
    one.bring(Register("payments", "observe", view.epoch, view.now + 1, "1"))
    assert one.needs_exchange()
    one.exchange()
    other = MadeMember("b")
    assert [each.mode for each in hub.inner.exchange(other.report()).registers] == ["observe"]


def test_a_mode_that_is_set_during_an_exchange_is_brought_with_the_next(
    one: Session, hub: BreakableHub
) -> None:
    one.exchange()
    view = one.view
    assert view is not None
    mode = Register("payments", "observe", view.epoch, view.now + 1, "1")
    exchange = hub.exchange

    def late(report: Report) -> View:
        answer = exchange(report)
        one.bring(mode)
        return answer

    hub.exchange = late  # type: ignore[method-assign]
    one.exchange()
    hub.exchange = exchange  # type: ignore[method-assign]
    one.exchange()
    assert hub.inner.exchange(MadeMember("b").report()).registers == (mode,)
    assert not one.needs_exchange()


def test_without_an_answer_the_process_decides_alone(
    one: Session, hub: BreakableHub, caplog: pytest.LogCaptureFixture
) -> None:
    assert one.alone
    hub.away = True
    assert not one.exchange()
    assert one.view is None
    one.bring(Register("payments", "observe", "", 5.0, "1"))
    assert not one.needs_exchange(), "the interval is soon enough"
    hub.away = False
    assert one.exchange()
    assert not one.alone
    assert caplog.text == "", "the hub itself tells what is wrong with it"


def test_an_error_of_the_exchange_ends_nothing(
    one: Session, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    called(registry)
    one.exchange()
    whole = one.hub.exchange
    one.hub.exchange = lambda _report: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    for _ in range(3):
        assert not one.exchange()
    assert caplog.text.count("exchange failed") == 1
    assert "ZeroDivisionError" in caplog.text
    one.hub.exchange = whole  # type: ignore[method-assign]
    caplog.set_level("INFO")
    assert one.exchange()
    assert "exchange works again" in caplog.text


def test_who_leaves_is_no_member_any_more(
    one: Session, hub: BreakableHub, registry: Registry
) -> None:
    called(registry)
    one.exchange()
    one.end()
    assert hub.inner.members() == ()
    assert hub.closed
    assert not one.holds("payments")


def test_commands_only_means_that_no_evidence_is_brought(
    hub: BreakableHub, registry: Registry, tmp_path: Path
) -> None:
    one = session(hub, registry, tmp_path, share="commands")
    payments = called(registry)
    one.exchange()
    (entry,) = hub.inner.members()
    view, _ = hub.inner.pool(entry.breakers[0][0], "fleet")
    assert sum(slot.calls for slot in view.slots) == 0
    hub.inner.act(Act("1", "trip", "payments", actor="ada"))
    one.exchange()
    assert payments.state is State.OPEN


def test_acts_are_done_once_and_refusals_are_told(
    one: Session, hub: BreakableHub, registry: Registry
) -> None:
    payments = called(registry)
    one.exchange()
    hub.inner.act(Act("1", "drill_memory", "payments"))
    hub.inner.act(Act("2", "trip", "payments"))
    hub.inner.act(Act("3", "of a later version", "payments"))
    one.exchange()
    assert payments.state is State.OPEN
    assert hub.inner.progress("payments", "2").applied == 1
    ((member, why),) = hub.inner.progress("payments", "3").refused
    assert member == one.member_id
    assert "does not know" in why
    payments.reset()
    one.exchange()
    assert payments.state is not State.OPEN, "an act is never done again"


def test_a_command_in_the_file_of_the_host_is_seen_without_waiting(
    registry: Registry, tmp_path: Path
) -> None:
    hub, other = FileHub(tmp_path / "fleet.db"), FileHub(tmp_path / "fleet.db")
    one = session(hub, registry, tmp_path)
    called(registry)
    one.exchange()
    one.needs_exchange()
    assert not one.needs_exchange()
    other.act(Act("1", "trip", "payments"))
    assert one.needs_exchange()
    assert not one.needs_exchange()
    other.close()
    one.end()


def test_a_mode_that_the_host_could_not_keep_is_kept_with_the_next_exchange(
    one: Session, hub: BreakableHub, registry: Registry, tmp_path: Path
) -> None:
    called(registry)
    one.exchange()
    hub.inner.set_mode(Register("payments", "disabled", id="x"))
    kept = ModesFile(tmp_path / "modes.json")
    kept.add([], 0.0)
    kept.path.touch()
    with file_lock(kept.path, 1.0):
        one.exchange()
    assert kept.read() == ()
    one.exchange()
    assert [(each.breaker, each.mode) for each in kept.read()] == [("payments", "disabled")]


def test_it_knows_that_the_fleet_was_commanded(
    one: Session, hub: BreakableHub, registry: Registry
) -> None:
    called(registry)
    one.exchange()
    assert not one.commanded_lately
    hub.inner.act(Act("1", "trip", "payments"))
    one.exchange()
    assert one.commanded_lately
