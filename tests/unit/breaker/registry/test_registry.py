from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from breakerd import (
    Breaker,
    ConfigConflictError,
    ConfigError,
    ConfigWriteError,
    Event,
    Registry,
    Settings,
    SettingsChanged,
    Slo,
    State,
    Transition,
)
from breakerd.breaker.config.file.watcher import FileWatcher
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call
from tests.support.polling import until
from tests.support.saved_file import save

TIMEOUT = 20
FILE = """\
# Settings of all
latency_threshold = 300  # ms
minimum_calls = 5

# Theirs
[breakers.payments]
wait_time = 20  # s
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "breakers.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def registry(path: Path, clock: ManualClock) -> Iterator[Registry]:
    """Of the file, which is not watched."""
    with Registry.from_file(path, watch=False, clock=clock, memory=lambda: 0.1) as registry:
        yield registry


@pytest.fixture
def unfiled(clock: ManualClock) -> Iterator[Registry]:
    """Without a file."""
    settings = {"payments": Settings(wait_time=20)}
    with Registry(Settings(), breakers=settings, clock=clock, memory=lambda: 0.1) as registry:
        yield registry


# --- names


def test_default_always_exists() -> None:
    with Registry(clock=ManualClock()) as registry:
        assert registry.names() == ["default"]
        assert registry.get() is registry.get("default")


def test_breakers_are_made_on_first_use_and_then_found(unfiled: Registry) -> None:
    assert unfiled.find("search") is None
    assert "search" not in unfiled
    search = unfiled.get("search")
    assert unfiled.find("search") is search
    assert "search" in unfiled
    assert len(unfiled) == 3
    assert [breaker.name for breaker in unfiled] == ["default", "payments", "search"]


def test_all_threads_get_the_same_breaker(unfiled: Registry) -> None:
    barrier = threading.Barrier(8)
    got: list[Breaker] = []

    def get() -> None:
        barrier.wait()
        got.append(unfiled.get("search"))

    threads = [threading.Thread(target=get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert len(got) == 8
    assert len(set(map(id, got))) == 1


@pytest.mark.parametrize("name", ["", "a b", "ü", "../x", "x" * 101])
def test_a_name_that_fits_into_no_path_is_refused(unfiled: Registry, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a breaker"):
        unfiled.get(name)


def test_breakers_have_their_own_settings_or_the_roots(registry: Registry) -> None:
    assert registry.names() == ["default", "payments"]
    assert registry.get().settings == Settings(latency_threshold=300, minimum_calls=5)
    assert registry.get("payments").settings.wait_time == 20
    assert registry.get("payments").settings.latency_threshold == 300
    assert registry.settings_for("search") == registry.get("search").settings


def test_clock_and_memory_are_passed_on() -> None:
    clock = ManualClock()
    with Registry(clock=clock, memory=lambda: 0.99) as registry:
        breaker = registry.get("a")
        assert breaker.clock is clock
        breaker.tick()
        assert not breaker.memory_ok


# --- the file


def test_a_wrong_file_makes_no_registry(path: Path) -> None:
    path.write_text("percentile = 950\n[breakers.a]\nwait_tme = 1\n")
    with pytest.raises(ConfigError) as caught:
        Registry.from_file(path)
    assert [problem.line for problem in caught.value.problems] == [1, 3]


def test_breakers_know_their_file_and_how_it_is(registry: Registry, path: Path) -> None:
    assert registry.config is not None
    for breaker in (registry.get(), registry.get("later")):
        assert breaker.config_file == path
        report = breaker.status()["config"]
        assert report == {
            "file": str(path),
            "last_reload_successful": True,
            "problems": [],
            "drift": [],
            "watched_by": "nothing",
            "watch_problem": "",
        }
    path.write_text("percentile = 950\n")
    assert not registry.config.reload()
    report = registry.get().status()["config"]
    assert report is not None
    assert not report["last_reload_successful"]
    assert report["problems"] == [
        f"{path}:1: percentile: found 950; allowed: a number > 0, < 1 (fraction)"
    ]


def test_without_a_file_there_is_no_report(unfiled: Registry) -> None:
    assert unfiled.config is None
    assert unfiled.get().config_file is None
    assert unfiled.get().status()["config"] is None


def test_a_reload_changes_live_breakers_and_keeps_window_and_state(
    registry: Registry, path: Path, clock: ManualClock
) -> None:
    assert registry.config is not None
    default, payments = registry.get(), registry.get("payments")
    payments.disable()
    for _ in range(5):
        simulate_call(default, clock, 200)
    path.write_text("latency_threshold = 100\nminimum_calls = 5\n[breakers.search]\n")
    assert registry.config.reload()
    assert default.settings.latency_threshold == 100
    assert default.latencies_above(100) == pytest.approx([200] * 5)
    assert payments.state is State.DISABLED
    assert payments.settings == default.settings, "without its table it has the root's"
    assert registry.names() == ["default", "payments", "search"]
    simulate_call(default, clock, 200)
    assert default.triggered, "the next call is judged by the new threshold"


def test_a_bad_edit_changes_no_breaker(registry: Registry, path: Path) -> None:
    assert registry.config is not None
    path.write_text("latency_threshold = 100\n[breakers.payments]\nwait_time = 0\n")
    assert not registry.config.reload()
    assert registry.get().settings.latency_threshold == 300


def test_an_edit_of_a_watched_file_reaches_the_breakers(path: Path) -> None:
    changed = threading.Event()

    def listen(event: Event) -> None:
        if isinstance(event, SettingsChanged):
            changed.set()

    with Registry.from_file(path, clock=ManualClock()) as registry:
        registry.subscribe(listen)
        path.write_text(FILE.replace("300", "400"))
        assert changed.wait(TIMEOUT)
        assert registry.get().settings.latency_threshold == 400


# --- changes


def test_a_change_of_default_is_one_of_the_root(registry: Registry, path: Path) -> None:
    settings = registry.change("default", {"latency_threshold": 400, "recovery.probes": 5})
    assert (settings.latency_threshold, settings.recovery.probes) == (400, 5)
    assert registry.get().settings is settings
    assert registry.get("payments").settings.latency_threshold == 400
    assert registry.get("payments").settings.recovery.probes == 5
    text = path.read_text()
    assert text.startswith(FILE.replace("300", "400"))
    assert text.endswith("[recovery]\nprobes = 5\n")


def test_a_change_of_a_named_breaker_is_its_own(registry: Registry, path: Path) -> None:
    registry.get("search")
    registry.change("payments", {"wait_time": 30})
    registry.change("search", {"recovery.ramp": (0.5,)})
    assert registry.get().settings == Settings(latency_threshold=300, minimum_calls=5)
    assert registry.get("search").settings.recovery.ramp == (0.5,)
    text = path.read_text()
    assert text.startswith(FILE.replace("20  # s", "30  # s"))
    assert text.endswith("[breakers.search.recovery]\nramp = [0.5]\n")


def test_a_change_moves_the_next_decision(registry: Registry, clock: ManualClock) -> None:
    default = registry.get()
    for _ in range(20):
        simulate_call(default, clock, 200)
    assert not default.triggered
    registry.change("default", {"latency_threshold": 100})
    simulate_call(default, clock, 200)
    assert default.triggered


def test_a_change_goes_where_the_key_stands(path: Path, clock: ManualClock) -> None:
    path.write_text("[circuit_breaker]\nwait_time = 5  # s\n[breakers.default]\npercentile = 0.9\n")
    with Registry.from_file(path, watch=False, clock=clock) as registry:
        registry.change("default", {"percentile": 0.8})
    path.write_text("minimum_calls = 3\n[circuit_breaker]\nwait_time = 5  # s\n")
    with Registry.from_file(path, watch=False, clock=clock) as registry:
        registry.change("default", {"wait_time": 6, "percentile": 0.8, "minimum_calls": 4})
    assert path.read_text() == (
        "minimum_calls = 4\n[circuit_breaker]\nwait_time = 6  # s\npercentile = 0.8\n"
    )


def test_a_table_of_default_wins_over_the_root(path: Path, clock: ManualClock) -> None:
    path.write_text("wait_time = 5\n[breakers.default]\npercentile = 0.9\n")
    with Registry.from_file(path, watch=False, clock=clock) as registry:
        assert registry.change("default", {"wait_time": 6}).wait_time == 6
        assert registry.get("other").settings.wait_time == 5
    assert (
        path.read_text() == "wait_time = 5\n[breakers.default]\npercentile = 0.9\nwait_time = 6\n"
    )


def test_an_optional_setting_is_taken_out_by_none(registry: Registry, path: Path) -> None:
    registry.change("default", {"error_threshold": 0.2})
    assert "error_threshold = 0.2" in path.read_text()
    assert registry.change("default", {"error_threshold": None}).error_threshold == 0.5
    assert path.read_text() == FILE


@pytest.mark.parametrize("which", ["registry", "unfiled"])
def test_any_setting_is_removed_by_none(request: pytest.FixtureRequest, which: str) -> None:
    registry: Registry = request.getfixturevalue(which)
    registry.change("default", {"percentile": 0.8, "slo.success_rate": 0.9, "slo.timeout": 2})
    settings = registry.change("default", {"percentile": None, "slo.warmup": None})
    assert (settings.percentile, settings.slo) == (0.95, Slo(success_rate=0.9, timeout=2))
    assert registry.change("default", {"slo": None, "recovery.probes": None}).slo is None


@pytest.mark.parametrize("which", ["registry", "unfiled"])
def test_one_key_of_a_service_level_is_changed_by_itself(
    request: pytest.FixtureRequest, which: str
) -> None:
    registry: Registry = request.getfixturevalue(which)
    registry.change("default", {"slo.success_rate": 0.9, "slo.timeout": 2})
    assert registry.change("default", {"slo.timeout": 1}).slo == Slo(success_rate=0.9, timeout=1)
    with pytest.raises(ConfigError, match=r"slo.timeout: found nothing; allowed: a number > 0"):
        registry.change("default", {"slo.timeout": None})


def test_a_key_of_the_roots_service_level_is_changed_for_one_breaker(
    registry: Registry, path: Path
) -> None:
    registry.change("default", {"slo.success_rate": 0.9, "slo.timeout": 2})
    settings = registry.change("payments", {"slo.timeout": 1})
    assert settings.slo == Slo(success_rate=0.9, timeout=1)
    assert "[breakers.payments.slo]\ntimeout = 1\n" in path.read_text()
    registry.change("default", {"slo.success_rate": 0.8})
    assert registry.get("payments").settings.slo == Slo(success_rate=0.8, timeout=1)


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"percentile": 95}, "percentile"),
        ({"recovery.probes": 0}, "recovery.probes"),
        ({"wait_tme": 1}, "wait_tme"),
        ({"percentile.x": 1}, "percentile"),
        ({"wait_time": 3, "wait_time.x": 1}, "wait_time.x"),
        ({"latency_treshold": None}, "latency_treshold"),
        ({"percentile.x": None}, "percentile.x"),
        ({"recovery.ramp": [0.5, 0.4]}, "recovery.ramp"),
        ({"load.reject": True}, "load.reject"),
        ({"slo.timeout": 1}, "slo.success_rate"),
        ({"": 1}, ""),
    ],
)
@pytest.mark.parametrize("which", ["registry", "unfiled"])
def test_a_wrong_change_changes_nothing(
    request: pytest.FixtureRequest, path: Path, which: str, values: dict[str, Any], key: str
) -> None:
    registry: Registry = request.getfixturevalue(which)
    before = registry.get().settings
    with pytest.raises(ConfigError) as caught:
        registry.change("default", values)
    (problem,) = caught.value.problems
    assert (problem.where, problem.key) == ("request", key)
    assert registry.get().settings is before
    assert path.read_text() == FILE


def test_a_breaker_that_does_not_exist_is_not_changed(registry: Registry) -> None:
    with pytest.raises(KeyError):
        registry.change("none", {"wait_time": 1})


def test_a_change_that_cannot_be_written_is_in_force(registry: Registry, path: Path) -> None:
    path.chmod(0o444)
    with pytest.raises(ConfigWriteError):
        registry.change("default", {"latency_threshold": 400})
    assert registry.get().settings.latency_threshold == 400
    assert path.read_text() == FILE


def test_without_a_file_the_root_reaches_those_without_their_own(unfiled: Registry) -> None:
    other = unfiled.get("other")
    unfiled.change("default", {"percentile": 0.5})
    assert unfiled.get().settings.percentile == 0.5
    assert other.settings.percentile == 0.5
    assert unfiled.get("payments").settings.percentile == 0.95
    unfiled.change("other", {"percentile": 0.6})
    assert (unfiled.get().settings.percentile, other.settings.percentile) == (0.5, 0.6)


def test_without_a_file_settings_of_default_alone_can_be_changed(clock: ManualClock) -> None:
    with Registry(breakers={"default": Settings(wait_time=5)}, clock=clock) as registry:
        assert registry.change("default", {"wait_time": 6}).wait_time == 6
        assert registry.get("other").settings.wait_time == 10


def test_reloads_changes_and_listeners_do_not_lock_each_other_out(
    registry: Registry, path: Path
) -> None:
    config = registry.config
    assert config is not None

    def listen(event: Event) -> None:
        registry.get(f"{event.breaker.removesuffix('-seen')}-seen")

    def change() -> None:
        for number in range(30):
            with contextlib.suppress(ConfigConflictError):  # `edit` is saving all the time
                registry.change("payments", {"wait_time": 20 + number})

    def edit() -> None:
        for number in range(30):
            save(path, FILE.replace("300", f"{300 + number}"))
            config.reload()

    registry.subscribe(listen)
    threads = [threading.Thread(target=act, daemon=True) for act in (change, edit, change)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert not any(thread.is_alive() for thread in threads)


# --- events


def test_events_of_all_breakers_are_heard_of_later_ones_too(
    unfiled: Registry, log: EventLog
) -> None:
    leave = unfiled.subscribe(log)
    unfiled.get("later").trip()
    unfiled.get("payments").trip()
    assert [event.breaker for event in log.of(Transition)] == ["later", "payments"]
    leave()
    leave()
    unfiled.get().trip()
    unfiled.get("after").trip()
    assert [event.breaker for event in log.of(Transition)] == ["later", "payments"]


def test_a_listener_may_subscribe_twice_and_leave_once(unfiled: Registry, log: EventLog) -> None:
    leave = unfiled.subscribe(log)
    unfiled.subscribe(log)
    leave()
    unfiled.get().trip()
    assert len(log.of(Transition)) == 1


async def test_events_can_be_iterated_over(unfiled: Registry) -> None:
    events = unfiled.events()
    unfiled.get("payments").trip()
    assert (await anext(events)).breaker == "payments"
    await events.aclose()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_watch_that_has_ended_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "breakers.toml"
    path.write_text("")
    monkeypatch.setattr(FileWatcher, "_run", lambda _: None)
    with Registry.from_file(path) as registry:
        until(lambda: "has ended" in registry.not_running().get("file", ""))


def test_a_listener_that_exits_ends_no_call() -> None:
    def leave(_: object) -> None:
        raise SystemExit(1)

    breaker = Registry().get()
    breaker.subscribe(leave)
    breaker.trip()
    assert breaker.state is State.OPEN
