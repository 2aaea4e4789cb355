from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from breakerd import Registry, State
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.fleet.messages import Register
from breakerd.breaker.fleet.runtime.hub_report import make_hub_report
from breakerd.breaker.fleet.runtime.modes_file import ModesFile
from breakerd.breaker.fleet.runtime.runtime import FleetRuntime
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.runtime.ticker import TICKER
from tests.support.fleet_members import LIMIT, BreakableHub, Member, called, fleet_threads

Make = Callable[..., Member]


def ids(hub: BreakableHub) -> list[str]:
    """Hosts of the members that have not left."""
    return sorted(each.info.host for each in hub.inner.members())


def ended(threads: list[threading.Thread]) -> bool:
    for thread in threads:
        thread.join(LIMIT)
    return not any(thread.is_alive() for thread in threads)


# --- lifecycle


def test_a_process_joins_and_leaves(make: Make, hub: BreakableHub) -> None:
    member = make("a")
    assert ids(hub) == ["a"]
    assert member.runtime.not_running() == {}
    thread = fleet_threads()
    member.runtime.start()
    assert fleet_threads() == thread, "a second start does nothing"
    member.runtime.close()
    assert ids(hub) == []
    assert ended(thread)
    assert member.runtime.session is None
    member.runtime.close()


def test_it_can_be_started_again(make: Make, hub: BreakableHub) -> None:
    member = make("a")
    member.runtime.close()
    member.start()
    assert ids(hub) == ["a"]


def test_without_a_hub_there_is_no_thread(tmp_path: Path) -> None:
    with Registry() as registry:
        settings = FleetSettings(hub="none")
        runtime = FleetRuntime(registry, settings, tmp_path / "a.db", tmp_path / "modes.json")
        runtime.start()
        assert fleet_threads() == []
        assert runtime.not_running() == {}
        assert runtime.session is None
        assert runtime.wait_joined(0)
        report = make_hub_report(runtime)
        assert (report.kind, report.up, report.members) == ("none", False, 0)
        runtime.close()


def test_it_says_why_the_process_decides_alone(
    hub: BreakableHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = Member(hub, tmp_path, "a")
    assert "not started yet" in member.runtime.not_running()["fleet"]
    hub.away = True
    member.start()
    monkeypatch.setattr("breakerd.breaker.fleet.runtime.session.SILENCE", 1e9)
    assert member.runtime.not_running() == {}, "it is joining"
    monkeypatch.setattr("breakerd.breaker.fleet.runtime.session.SILENCE", 0.0)
    assert "has not answered" in member.runtime.not_running()["fleet"]
    report = member.fleet.hub()
    assert (report.kind, report.up, report.members) == ("file", False, 0)
    hub.away = False
    member.meet()
    assert member.runtime.not_running() == {}
    report = member.fleet.hub()
    assert (report.up, report.members, report.problem) == (True, 1, "")
    assert report.exchanges[-1][1] >= 1
    assert report.exchange_seconds > 0
    member.close()
    member.registry.close()


def test_modes_of_this_host_are_in_force_when_it_has_started(
    hub: BreakableHub, tmp_path: Path
) -> None:
    hub.away = True
    member = Member(hub, tmp_path, "a")
    ModesFile(member.modes).add([Register("payments", "disabled", "e", 5.0)], 5.0)
    breaker = member.registry.get("payments")
    member.runtime.start()
    assert breaker.state is State.DISABLED
    member.close()


def test_a_trip_is_told_without_waiting(make: Make, hub: BreakableHub) -> None:
    member = make("a", interval=10)
    breaker = member.called()
    told = threading.Event()
    exchange = hub.exchange

    def watch(report: object) -> object:
        answer = exchange(report)  # type: ignore[arg-type]
        if any(each.state == "open" for each in report.breakers):  # type: ignore[attr-defined]
            told.set()
        return answer

    hub.exchange = watch  # type: ignore[assignment,method-assign]
    breaker.trip("looks bad")
    assert told.wait(LIMIT)


def test_the_first_call_of_a_breaker_is_told_without_waiting(make: Make, hub: BreakableHub) -> None:
    member = make("a", interval=10)
    called(member.registry, "search")
    while True:
        (entry,) = hub.inner.members()
        if entry.breakers:
            break
        member.runtime.meet(LIMIT)
    assert entry.breakers[0][0].startswith("search|")


# --- settings


def test_other_settings_are_another_membership(make: Make, hub: BreakableHub) -> None:
    member = make("a")
    member.runtime.apply(member.settings.model_copy(update={"host": "b"}))
    while ids(hub) != ["b"]:
        member.meet()
    assert member.runtime.settings.host == "b"


def test_without_hub_from_now_on_the_thread_ends(make: Make, hub: BreakableHub) -> None:
    threads = [make("a")] and fleet_threads()
    member = make("b")
    mine = [each for each in fleet_threads() if each not in threads]
    nothing = FleetSettings(hub="none")
    member.runtime._open_hub = lambda _settings, _database: None
    member.runtime.apply(nothing)
    assert ended(mine)
    assert ids(hub) == ["a"]
    assert member.runtime.not_running() == {}
    member.runtime._open_hub = lambda _settings, _database: hub
    member.runtime.apply(member.settings)
    assert member.runtime.wait_joined(LIMIT)
    assert ids(hub) == ["a", "b"]


def test_settings_of_a_process_that_was_not_started_start_nothing(
    hub: BreakableHub, tmp_path: Path
) -> None:
    member = Member(hub, tmp_path, "a")
    member.runtime.apply(member.settings.model_copy(update={"host": "b"}))
    assert fleet_threads() == []
    member.close()


def test_a_hub_that_cannot_be_used_is_told_once(
    hub: BreakableHub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    member = Member(hub, tmp_path, "a")
    problem = ConfigProblem("settings", 0, "fleet.hub", "a server", "the extra redis")
    tried = threading.Semaphore(0)

    def refuse(_settings: object, _database: object) -> None:
        tried.release()
        raise ConfigError([problem])

    member.runtime._open_hub = refuse
    member.runtime.start()
    for _ in range(3):
        assert tried.acquire(timeout=LIMIT)
        member.runtime.exchange_soon()
    assert caplog.text.count("this process decides alone") == 1
    assert "the extra redis" in member.runtime.not_running()["fleet"]
    assert member.fleet.members() == ()
    member.runtime._open_hub = lambda _settings, _database: hub
    member.runtime.exchange_soon()
    assert member.runtime.wait_joined(LIMIT)
    member.close()


# --- what may go wrong


def test_a_thread_that_the_system_refuses_is_tried_again(
    hub: BreakableHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = Member(hub, tmp_path, "a")

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        patch.setattr(TICKER, "add", lambda _ticked: None)
        member.runtime.start()
    assert "can't start new thread" in member.runtime.not_running()["fleet"]
    assert member.runtime.tick() > 0
    assert member.runtime.wait_joined(LIMIT)
    assert ids(hub) == ["a"]
    member.close()


def test_secrets_that_cannot_be_followed_end_nothing(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    member = make("a")
    asked = threading.Semaphore(0)

    def fail(_now: float) -> None:
        asked.release()
        raise OSError("gone")

    member.runtime.on_look = fail
    assert asked.acquire(timeout=LIMIT)
    member.meet()
    assert "secrets, or settings of the fleet, are not followed" in caplog.text


def test_a_hub_that_hangs_does_not_hold_up_the_end(
    make: Make, hub: BreakableHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    member = make("a")
    thread = fleet_threads()
    go_on, reached = threading.Event(), threading.Event()
    exchange = hub.exchange

    def hang(report: object) -> object:
        reached.set()
        go_on.wait(LIMIT)
        return exchange(report)  # type: ignore[arg-type]

    hub.exchange = hang  # type: ignore[assignment,method-assign]
    member.runtime.exchange_soon()
    assert reached.wait(LIMIT)
    assert not member.runtime.meet(0.01)
    monkeypatch.setattr("breakerd.breaker.fleet.runtime.runtime._END_LIMIT", 0.01)
    member.runtime.close()
    assert "not left in order" in caplog.text
    go_on.set()
    assert ended(thread)


def test_a_forked_child_is_a_member_of_its_own(make: Make, hub: BreakableHub) -> None:
    member = make("a")
    member.called()
    (parent,) = hub.inner.members()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        # Its copy of the hub is in its own memory: only what it says of itself counts.
        alone = member.runtime.session is None and not fleet_threads()
        member.runtime.start()
        joined = member.runtime.wait_joined(LIMIT)
        session = member.runtime.session
        other = session is not None and session.member_id != parent.info.id
        os.write(write, b"ok" if alone and joined and other else b"no")
        os._exit(0)
    os.close(write)
    assert os.read(read, 2) == b"ok"
    os.close(read)
    os.waitpid(child, 0)
    member.meet()
    assert hub.inner.members()[0].info.id == parent.info.id
