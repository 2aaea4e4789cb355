"""Comparisons are kept over restarts, and promises by one process of several."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from breakerd import (
    BreakerStateError,
    ConfigConflictError,
    ConfigError,
    ConfigWriteError,
    NotStoredError,
    Registry,
)
from breakerd.breaker.config import Document
from breakerd.breaker.config.following.origin import Origin, Way, present_origin
from breakerd.breaker.events.events import CandidateSettled
from breakerd.breaker.promotion.condition import Condition, parse_condition
from breakerd.breaker.promotion.keeper import Keeper
from breakerd.breaker.promotion.promise import Promise, Settled
from breakerd.breaker.promotion.promote import candidate_values, check_condition, promotion
from breakerd.breaker.promotion.settlement import Settlement
from breakerd.breaker.shadow.identity import digest_of
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call
from tests.support.forking import in_child
from tests.support.polling import until

FILE = """\
# who owns this
[breakers.payments]
latency_threshold = 800  # agreed with the team

[breakers.payments.candidate]
latency_threshold = 300
minimum_calls = 5

[breakers.payments.candidate.recovery]
probes = 2
"""
NAME = "payments"


class Wall:
    """Wall clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class DrivenKeeper(Keeper):
    """Keeper that looks when a test says so: its thread would be a second one, at any time."""

    def _look_safely(self) -> None:
        pass


class Process:
    """One process: a registry with its keeper, on a driven clock."""

    def __init__(self, file: Path, wall: Wall) -> None:
        self.clock = ManualClock()
        self.registry = Registry.from_file(file, watch=False, clock=self.clock, memory=lambda: 0.1)
        self.keeper = DrivenKeeper(self.registry, file.with_name("shadow.db"), wall)
        self.log = EventLog()
        self.registry.subscribe(self.log)
        self.told: list[tuple[Promise, Settled]] = []
        self.keeper.on_settled = lambda promise, settled: self.told.append((promise, settled))

    def start(self) -> None:
        self.keeper.start()
        until(lambda: self.keeper._store is not None)
        self.keeper.look()

    def calls(self, count: int, milliseconds: float = 10) -> None:
        for _ in range(count):
            simulate_call(self.registry.get(NAME), self.clock, milliseconds)

    def compared(self) -> int:
        report = self.registry.get(NAME).shadow()
        assert report is not None
        return report["compared_calls"]

    def close(self) -> None:
        self.keeper.close()
        self.registry.close()


class OriginsSeen:
    """Subscriber to a file of settings that notes who has asked for each change."""

    def __init__(self) -> None:
        self.origins: list[Origin] = []

    def owns(self, _section: str) -> bool:
        return True

    def prepare(self, _document: Document) -> Callable[[], None]:
        self.origins.append(present_origin())
        return lambda: None


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "breakers.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def processes(file: Path, wall: Wall) -> Iterator[list[Process]]:
    """Two processes of one host, started."""
    made = [Process(file, wall) for _ in range(2)]
    for each in made:
        each.start()
    yield made
    for each in made:
        each.close()


def test_each_process_tells_the_sums_of_the_host(processes: list[Process]) -> None:
    first, second = processes
    first.calls(10)
    second.calls(5)
    for each in (second, first, second):
        each.keeper.look()
    assert [each.compared() for each in processes] == [15, 15]
    report = first.registry.get(NAME).shadow()
    assert report is not None
    assert report["scope"] == "host"
    assert (report["promise"], report["last_promise"]) == (None, None)
    assert first.keeper.not_running() == {}


def test_a_restart_keeps_what_was_compared(file: Path, wall: Wall) -> None:
    first = Process(file, wall)
    first.start()
    first.calls(10)
    began = first.registry.get(NAME).shadow()
    first.close()
    wall.now += 3600
    second = Process(file, wall)
    second.start()
    try:
        second.calls(3)
        second.keeper.look()
        assert second.compared() == 13
        now = second.registry.get(NAME).shadow()
        assert began is not None
        assert now is not None
        assert now["since"] == began["since"]
    finally:
        second.close()


def test_a_changed_candidate_begins_anew(file: Path, wall: Wall) -> None:
    one = Process(file, wall)
    one.start()
    try:
        one.calls(10)
        one.keeper.look()
        one.registry.change(NAME, {"candidate.latency_threshold": 200})
        one.keeper.look()
        assert one.compared() == 0
        one.registry.change(NAME, {"candidate.latency_threshold": 300})
        one.keeper.look()
        assert one.compared() == 0, "the same again is another one"
    finally:
        one.close()


def test_nothing_runs_where_there_is_no_candidate(tmp_path: Path, wall: Wall) -> None:
    file = tmp_path / "breakers.toml"
    file.write_text("[breakers.payments]\nlatency_threshold = 800\n")
    one = Process(file, wall)
    one.keeper.start()
    try:
        assert one.keeper._thread is None
        assert not (tmp_path / "shadow.db").exists()
        one.registry.change(NAME, {"candidate.latency_threshold": 300})
        until(lambda: one.keeper._store is not None)
    finally:
        one.close()


def test_a_promise_is_kept_when_it_is_due(processes: list[Process], wall: Wall, file: Path) -> None:
    first, second = processes
    first.calls(20)
    promise = first.keeper.promise(NAME, 60.0, parse_condition("calls >= 10"), "ann")
    assert promise.values == {
        "latency_threshold": 300,
        "minimum_calls": 5,
        "recovery.probes": 2,
    }
    second.keeper.look()
    report = second.registry.get(NAME).shadow()
    assert report is not None
    assert report["promise"] is not None
    assert (report["promise"]["condition"], report["promise"]["by"]) == ("calls >= 10", "ann")
    wall.now += 59
    second.keeper.look()
    assert second.told == []
    wall.now += 2
    second.keeper.look()
    first.keeper.look()
    assert [settled.ending for _, settled in second.told] == ["kept"]
    assert first.told == []
    assert re.sub("\n\n+", "\n\n", file.read_text()) == (
        "# who owns this\n"
        "[breakers.payments]\n"
        "latency_threshold = 300  # agreed with the team\n"
        "minimum_calls = 5\n"
        "\n"
        "[breakers.payments.recovery]\n"
        "probes = 2\n"
    )
    settings = second.registry.get(NAME).settings
    assert (settings.latency_threshold, settings.recovery.probes) == (300, 2)
    assert settings.candidate is None
    (told,) = second.log.of(CandidateSettled)
    assert (told.outcome, told.actor) == ("kept", "ann")
    assert "20 calls" in told.text


def test_the_log_of_configurations_knows_who_was_promised_it(
    processes: list[Process], wall: Wall
) -> None:
    first, _ = processes
    seen = OriginsSeen()
    assert first.registry.config is not None
    first.registry.config.subscribe(seen)
    first.keeper.promise(NAME, 60.0, parse_condition("calls >= 0"), "ann")
    wall.now += 61
    first.keeper.look()
    reason = "promised promotion of payments, if calls >= 0"
    assert seen.origins[-1] == Origin(Way.PROMISE, "ann", "", reason)
    assert str(seen.origins[-1]) == "a promise to ann"
    assert present_origin() == Origin(Way.PROGRAM)


def test_a_promise_survives_the_process_that_made_it(file: Path, wall: Wall) -> None:
    first = Process(file, wall)
    first.start()
    first.keeper.promise(NAME, 60.0, Condition())
    first.close()
    wall.now += 3600
    second = Process(file, wall)
    second.start()
    try:
        until(lambda: second.told != [])
        assert second.registry.get(NAME).settings.latency_threshold == 300
    finally:
        second.close()


def test_a_condition_that_is_not_true_voids_it_and_the_candidate_stays(
    processes: list[Process], wall: Wall, file: Path
) -> None:
    first, _ = processes
    first.keeper.promise(NAME, 0.5, parse_condition("calls >= 10"))
    wall.now += 1
    first.keeper.look()
    ((_, settled),) = first.told
    assert settled.ending == "void"
    assert settled.text == "calls >= 10 is not true: calls is 0; the candidate stays"
    assert file.read_text() == FILE
    first.keeper.look()
    report = first.registry.get(NAME).shadow()
    assert report is not None
    assert report["last_promise"] is not None
    assert report["last_promise"]["ending"] == "void"


def test_a_changed_candidate_voids_it_before_it_is_due(processes: list[Process]) -> None:
    first, second = processes
    first.keeper.promise(NAME, 60.0, Condition())
    first.registry.change(NAME, {"candidate.minimum_calls": 6})
    for _ in range(2):  # another process may have read another file
        first.keeper.look()
    ((_, settled),) = first.told
    assert (settled.ending, settled.text) == (
        "void",
        "the candidate, or what it is compared with, has changed since",
    )
    second.keeper.look()
    second.keeper.look()
    assert second.told == []


def test_a_process_that_has_not_read_the_file_voids_nothing(
    processes: list[Process], file: Path
) -> None:
    first, second = processes
    file.write_text(file.read_text().replace("minimum_calls = 5", "minimum_calls = 6"))
    assert first.registry.config is not None
    assert second.registry.config is not None
    assert first.registry.config.reload()
    first.keeper.promise(NAME, 60.0, Condition())
    second.keeper.look()
    second.registry.config.reload()
    second.keeper.look()
    second.keeper.look()
    file.write_text("wrong = 1")
    second.registry.config.reload()
    for _ in range(3):
        second.keeper.look()
    assert second.told == []


def test_a_crash_after_the_change_of_the_file_ends_as_kept(
    processes: list[Process], wall: Wall, file: Path
) -> None:
    first, second = processes
    promise = first.keeper.promise(NAME, 60.0, Condition())
    # The process that kept it was killed before it could note that.
    first.keeper.close()
    first.registry.change(NAME, promotion(promise.values))
    assert second.registry.config is not None
    second.registry.config.reload()
    wall.now += 61
    for _ in range(2):
        second.keeper.look()
    assert [settled.ending for _, settled in second.told] == ["kept"]
    assert file.read_text().count("latency_threshold = 300") == 1


def test_a_promise_is_taken_back(processes: list[Process], wall: Wall) -> None:
    first, second = processes
    with pytest.raises(BreakerStateError, match="no promotion of breaker 'payments' is promised"):
        second.keeper.take_back(NAME)
    first.keeper.promise(NAME, 60.0, Condition())
    second.keeper.take_back(NAME, "bob")
    wall.now += 61
    first.keeper.look()
    assert first.told == []
    report = first.registry.get(NAME).shadow()
    assert report is not None
    assert report["promise"] is None
    assert report["last_promise"] is not None
    assert report["last_promise"]["by"] == "bob"


def test_a_file_that_is_being_saved_is_waited_for(
    processes: list[Process], wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = processes
    first.keeper.promise(NAME, 1.0, Condition())
    wall.now += 2

    def refuse(*_: object) -> None:
        raise ConfigConflictError("somebody is saving it")

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "change", refuse)
        first.keeper.look()
    assert first.told == []
    settlement = Settlement(first.registry)
    digest = digest_of(first.registry.settings_for(NAME))
    promise = Promise(NAME, digest, {"wait_time": 3}, 0.0, 0.0, Condition())
    figures = first.keeper.sums(NAME, promise.digest)
    assert figures is not None
    errors = {ConfigError([]): "void", ConfigWriteError("not written"): "kept"}
    for error, ending in errors.items():

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(Registry, "change", fail)
            settled = settlement.settle(promise, figures, wall.now)
        assert settled is not None
        assert settled.ending == ending


def test_without_a_file_nothing_is_promised() -> None:
    with Registry() as registry:
        keeper = Keeper(registry, None)
        keeper.start()
        with pytest.raises(BreakerStateError, match="has no candidate"):
            keeper.promise("default", 60.0, Condition())
        registry.change("default", {"candidate.wait_time": 3})
        assert candidate_values(registry, "default") == {"wait_time": 3}
        with pytest.raises(BreakerStateError, match="promises are kept by a running service"):
            keeper.promise("default", 60.0, Condition())
        assert keeper.sums("default", "") is None
        keeper.close()


def test_a_promise_that_cannot_be_stored_is_none(file: Path, wall: Wall) -> None:
    file.with_name("shadow.db").mkdir()
    one = Process(file, wall)
    one.start()
    try:
        with pytest.raises(NotStoredError, match="the promise cannot be stored"):
            one.keeper.promise(NAME, 60.0, Condition())
        with pytest.raises(NotStoredError, match="that cannot be stored"):
            one.keeper.take_back(NAME)
        assert "comparisons and promises are not kept" in one.keeper.not_running()["shadow"]
        one.calls(3)
        one.keeper.look()
        assert one.compared() == 3, "of its own"
    finally:
        one.close()


def test_a_forked_child_begins_anew(processes: list[Process]) -> None:
    first, _ = processes
    first.calls(4)

    def found() -> list[object]:
        shadow = first.registry.get(NAME)._core.recorder.shadow
        assert shadow is not None
        keeper = first.keeper
        return [keeper._store is None, keeper._thread is None, shadow.figures.calls]

    assert in_child(found) == [True, True, 0]
    first.keeper.look()
    assert first.compared() == 4


def test_conditions_are_checked_at_once(processes: list[Process]) -> None:
    first, _ = processes
    first.calls(4)
    breaker = first.registry.get(NAME)
    assert "4 calls" in check_condition(breaker, parse_condition("calls == 4"))
    with pytest.raises(BreakerStateError, match="not promoted: calls > 4 is not true: calls is 4"):
        check_condition(breaker, parse_condition("calls > 4"))
    with pytest.raises(BreakerStateError, match="has no candidate"):
        check_condition(first.registry.get(), Condition())
