from __future__ import annotations

import logging
import math
from collections.abc import Callable
from itertools import pairwise

import pytest

from breakerd import (
    Breaker,
    LoadReading,
    LoadSettings,
    Reason,
    Settings,
    Signal,
    State,
    ThresholdBreached,
    ThresholdCleared,
    Transition,
)
from breakerd.breaker.host.load import LOAD
from breakerd.breaker.signals.load import LoadSignal
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call

Machine = Callable[..., Breaker]

CPU = {"cpu_pressure_threshold": 40.0}
SLO = {"success_rate": 0.95, "timeout": 1.0, "warmup": 0.0}


def signal(**load: float) -> LoadSignal:
    return LoadSignal(Settings(load=LoadSettings.model_validate(load)))


@pytest.fixture
def load() -> dict[str, float]:
    """What the machine shows; to be changed by a test."""
    return {"cpu_pressure": 1.0}


@pytest.fixture
def make(clock: ManualClock, log: EventLog, load: dict[str, float]) -> Machine:
    """Makes a breaker on that machine, with plenty of memory, whose events go to `log`."""

    def made(**settings: object) -> Breaker:
        breaker = Breaker(
            Settings.model_validate(settings),
            clock=clock,
            memory=lambda: 0.1,
            load=lambda: LoadReading(**load),  # type: ignore[arg-type]  # figures only
        )
        breaker.subscribe(log)
        return breaker

    return made


def let_pass(breaker: Breaker, clock: ManualClock, seconds: float = 0.5) -> None:
    clock.advance(seconds)
    breaker.tick()


# --- the verdict


@pytest.mark.parametrize(
    ("threshold", "reading", "lag", "sentence"),
    [
        ("cpu_pressure", LoadReading(cpu_pressure=60), None, "CPU pressure 60% (limit 40%)"),
        ("memory_pressure", LoadReading(memory_pressure=60), None, "memory pressure 60%"),
        ("io_pressure", LoadReading(io_pressure=60), None, "I/O pressure 60%"),
        ("load", LoadReading(load_per_cpu=60), None, "load 60 per CPU (limit 40 per CPU)"),
        ("loop_lag", LoadReading(), 0.06, "event loop lag 60 ms (limit 40 ms)"),
    ],
)
def test_each_figure_against_its_threshold(
    threshold: str, reading: LoadReading, lag: float | None, sentence: str
) -> None:
    watching = signal(**{f"{threshold}_threshold": 40.0})
    assert watching.read(reading, lag)
    assert watching.breached
    assert watching.severity == 1.5
    assert watching.evidence().sentence().startswith(sentence)
    assert not signal(**({} if threshold == "loop_lag" else {"loop_lag_threshold": 90.0})).read(
        reading, lag
    ), "what has no threshold is not watched"


def test_a_tenth_below_it_is_good_again() -> None:
    watching = signal(cpu_pressure_threshold=40.0)
    verdicts = []
    for percent in (39.9, 40.0, 36.0, 35.9, 36.1):
        watching.read(LoadReading(cpu_pressure=percent), None)
        verdicts.append(watching.breached)
    assert verdicts == [False, True, True, False, False]


def test_the_worst_figure_counts() -> None:
    watching = signal(cpu_pressure_threshold=40.0, io_pressure_threshold=10.0)
    watching.read(LoadReading(cpu_pressure=60.0, io_pressure=30.0, memory_pressure=99.0), None)
    assert watching.severity == 3
    assert watching.evidence().detail["what"] == "I/O pressure"


def test_what_is_unknown_breaches_nothing_and_ends_a_breach() -> None:
    watching = signal(cpu_pressure_threshold=40.0, loop_lag_threshold=50.0)
    watching.read(LoadReading(cpu_pressure=60.0), None)
    assert watching.read(
        LoadReading(unavailable={"cpu_pressure": "gone", "io_pressure": "x"}), None
    )
    assert not watching.breached
    assert watching.severity == 0.0
    assert watching.unavailable == {"cpu_pressure": "gone"}, "of what is watched"


# --- through a breaker


def test_a_breach_is_told_and_rejects_nothing(
    make: Machine, clock: ManualClock, log: EventLog, load: dict[str, float]
) -> None:
    breaker = make(load=CPU)
    load["cpu_pressure"] = 60.0
    let_pass(breaker, clock)
    let_pass(breaker, clock)
    assert breaker.state is State.CLOSED
    assert simulate_call(breaker, clock, 10)
    (breach,) = log.of(ThresholdBreached)
    assert breach.signal is Signal.LOAD
    report = breaker.status()["load"]
    assert report is not None
    assert (report["ok"], report["cpu_pressure_percent"], report["severity"]) == (False, 60.0, 1.5)
    load["cpu_pressure"] = 1.0
    let_pass(breaker, clock)
    (cleared,) = log.of(ThresholdCleared)
    assert cleared.signal is Signal.LOAD
    assert (cleared.evidence.value, cleared.evidence.threshold) == (1.0, 40.0), "it is well again"
    assert log.of(Transition) == []


def test_a_tiny_threshold_gives_a_finite_severity(
    make: Machine, clock: ManualClock, load: dict[str, float]
) -> None:
    load["cpu_pressure"] = 60.0
    breaker = make(load={"cpu_pressure_threshold": 5e-324})
    let_pass(breaker, clock)
    report = breaker.status()["load"]
    assert report is not None
    assert math.isfinite(report["severity"])
    assert not report["ok"]


def test_with_reject_it_opens_and_stays_open_until_the_load_falls(
    make: Machine, clock: ManualClock, log: EventLog, load: dict[str, float]
) -> None:
    breaker = make(load=CPU | {"reject": True}, wait_time=2)
    load["cpu_pressure"] = 60.0
    let_pass(breaker, clock)
    (trip,) = log.of(Transition)
    assert (trip.to_state, trip.reason) == (State.OPEN, Reason.LOAD)
    assert trip.evidence[0].sentence() == "CPU pressure 60% (limit 40%)"
    assert breaker.rejection().reason == "load"
    report = breaker.status()["load"]
    assert report is not None
    assert report["rejects"]
    for _ in range(20):
        let_pass(breaker, clock, 1)
        assert not breaker.allow()
    load["cpu_pressure"] = 1.0
    let_pass(breaker, clock)
    assert breaker.state is State.HALF_OPEN
    load["cpu_pressure"] = 60.0
    let_pass(breaker, clock)
    assert breaker.state is State.OPEN, "nor may probes go on"


def test_while_it_waits_for_the_load_it_is_ticked_no_more_often(
    make: Machine, clock: ManualClock, load: dict[str, float]
) -> None:
    breaker = make(load=CPU | {"reject": True}, wait_time=2)
    load["cpu_pressure"] = 60.0
    let_pass(breaker, clock)
    clock.advance(100)
    assert breaker.tick() == breaker.settings.memory_check_interval


def test_beside_a_service_level_it_comes_back_soon(
    make: Machine, clock: ManualClock, load: dict[str, float]
) -> None:
    breaker = make(load=CPU | {"reject": True}, slo=SLO)
    load["cpu_pressure"] = 60.0
    let_pass(breaker, clock)
    assert [breaker.allow() for _ in range(5)] == [False] * 5
    load["cpu_pressure"] = 1.0
    let_pass(breaker, clock)
    assert breaker.state is State.HALF_OPEN
    while breaker.state is not State.CLOSED:
        simulate_call(breaker, clock, 100)
        let_pass(breaker, clock)
    assert clock() < 1020


def test_under_observe_it_only_says_that_it_would(
    make: Machine, clock: ManualClock, load: dict[str, float]
) -> None:
    breaker = make(load=CPU | {"reject": True})
    breaker.observe()
    load["cpu_pressure"] = 60.0
    let_pass(breaker, clock)
    assert breaker.allow()
    assert breaker.status()["would_be_state"] == "OPEN"


def test_the_limiter_lets_fewer_run_at_once_while_it_lasts(
    make: Machine, clock: ManualClock, log: EventLog, load: dict[str, float]
) -> None:
    breaker = make(load=CPU, limiter={"enabled": True}, latency_threshold=10_000)
    starts = [clock() for _ in range(20) if breaker.allow()]
    assert (len(starts), breaker.concurrency_limit) == (20, math.inf)
    load["cpu_pressure"] = 60.0
    limits = []
    for _ in range(40):
        let_pass(breaker, clock, 0.1)
        limits.append(breaker.concurrency_limit)
    assert all(b <= a for a, b in pairwise(limits))
    assert limits[-1] < 20 / 2
    assert not breaker.allow()
    assert breaker.rejection().reason == "overloaded"
    assert Signal.LOAD in {event.signal for event in log.of(ThresholdBreached)}
    for start in starts:
        breaker.done(start, clock())
    load["cpu_pressure"] = 1.0
    for _ in range(60):
        simulate_call(breaker, clock, 100)
        let_pass(breaker, clock, 0.1)
    assert breaker.concurrency_limit == math.inf


def test_thresholds_change_while_it_runs(
    make: Machine, clock: ManualClock, log: EventLog, load: dict[str, float]
) -> None:
    load["cpu_pressure"] = 60.0
    breaker = make()
    let_pass(breaker, clock)
    assert log == []
    assert breaker.status()["load"] is None
    breaker.apply(Settings.model_validate({"load": CPU}))
    assert len(log.of(ThresholdBreached)) == 1
    breaker.apply(Settings())
    assert len(log.of(ThresholdCleared)) == 1


def test_it_is_not_asked_for_where_nothing_is_watched(clock: ManualClock) -> None:
    asked = []

    def ask() -> LoadReading:
        asked.append(clock())
        return LoadReading()

    breaker = Breaker(clock=clock, memory=lambda: None, load=ask)
    let_pass(breaker, clock)
    assert asked == []


def test_with_an_injected_clock_the_real_machine_is_not_looked_at(clock: ManualClock) -> None:
    thresholds = {
        "cpu_pressure_threshold": 1e-9,
        "load_threshold": 1e-9,
        "reject": True,
    }
    breaker = Breaker(
        Settings.model_validate({"load": thresholds}), clock=clock, memory=lambda: None
    )
    let_pass(breaker, clock, 5)
    report = breaker.status()["load"]
    assert report is not None
    assert report["load_per_cpu"] is None
    assert breaker.state is State.CLOSED


def test_with_the_real_clock_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOAD, "read_at", lambda _now: LoadReading(load_per_cpu=3.0))
    monkeypatch.setattr(LOAD, "_read_at", -math.inf)
    breaker = Breaker(Settings.model_validate({"load": {"load_threshold": 2.0}}))
    report = breaker.status()["load"]
    assert report is not None
    assert report["load_per_cpu"] == 3.0
    assert not report["ok"]
    breaker.close()


async def test_a_watched_loop_shows_in_the_status(make: Machine, clock: ManualClock) -> None:
    breaker = make(load={"loop_lag_threshold": 60_000.0})
    report = breaker.status()["load"]
    assert report is not None
    assert report["loop_lag_ms"] is None
    breaker.watch_loop()
    let_pass(breaker, clock)
    report = breaker.status()["load"]
    assert report is not None
    assert report["loop_lag_ms"] is not None
    breaker._core.after_fork()
    let_pass(breaker, clock)
    report = breaker.status()["load"]
    assert report is not None
    assert report["loop_lag_ms"] is None


def test_a_threshold_that_can_do_nothing_is_logged(
    clock: ManualClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LOAD, "_logged", set())
    caplog.set_level(logging.WARNING, "breakerd.breaker.host.load")
    unknown = {"cpu_pressure": "no PSI", "io_pressure": "no PSI"}
    breaker = Breaker(
        Settings.model_validate({"load": CPU}),
        clock=clock,
        memory=lambda: None,
        load=lambda: LoadReading(unavailable=unknown),
    )
    let_pass(breaker, clock)
    (record,) = caplog.records
    assert "cpu_pressure" in record.getMessage()
    assert "no PSI" in record.getMessage()
