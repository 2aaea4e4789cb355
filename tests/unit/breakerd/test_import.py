"""Modules that `import breakerd` loads; all public names are there all the same."""

from __future__ import annotations

import pickle
from typing import assert_type

import pytest

import breakerd
from breakerd.alerts import alerting
from breakerd.alerts.settings import alerting as alerting_settings
from breakerd.breaker import autosave, registry
from breakerd.breaker.runtime import status_types
from tests.support.fresh_interpreter import loaded

FOR_THOSE_WHO_ASK = {
    "asyncio",
    "attr",
    "concurrent",
    "psutil",
    "pygments",
    "rich",
    "structlog",
    "tomlkit",
    "tomllib",
    "watchdog",
    "breakerd.breaker.config",
    "breakerd.breaker.integrations",
    "breakerd.breaker.autosave",
    "breakerd.breaker.registry",
    "breakerd.breaker.replay",
    "breakerd.breaker.persistence.snapshot",
    "breakerd.breaker.persistence.snapshot_file",
    "breakerd.breaker.runtime.status",
}


@pytest.mark.parametrize(
    "program",
    [
        "import breakerd; breakerd.Breaker",
        "from breakerd import Breaker, Settings\nassert Breaker(memory=lambda: 0.1).allow()",
    ],
)
def test_a_breaker_alone_loads_only_what_decides(program: str) -> None:
    modules = loaded(program)
    assert "breakerd.breaker.engine.engine" in modules
    assert not modules & FOR_THOSE_WHO_ASK


EMBEDDED = """
    from breakerd import *
    from breakerd.breaker.testing import ManualClock

    clock = ManualClock()
    share, pressure, events = 0.1, 1.0, []

    settings = {
        "slow": Settings(latency_threshold=100),
        "rising": Settings(latency_threshold=100, trend_analysis_enabled=True),
        "failing": Settings(error_threshold=0.5),
        "hopeless": Settings(
            slo=Slo(success_rate=0.9, timeout=1, warmup=0), limiter=LimiterSettings(enabled=True)
        ),
        "loaded": Settings(load=LoadSettings(cpu_pressure_threshold=50, reject=True)),
    }
    doubles = {
        "clock": clock, "memory": lambda: share, "load": lambda: LoadReading(pressure)
    }
    breakers = [Breaker(settings[name], name=name, **doubles) for name in settings]
    for b in breakers:
        b.subscribe(events.append)
    slow, *_, loaded = breakers
"""
IN_TROUBLE = """
    def calls(seconds, *, error=False):
        for _ in range(300):
            clock.advance(0.1)
            for b in breakers:
                if b.allow():
                    b.done(clock() - seconds, clock(), error=error)

    calls(0.01)
    for n in range(300):
        clock.advance(0.1)
        for b in breakers:
            if b.allow():
                b.done(clock() - 0.01 * n, clock(), error=n % 3 > 0)
    pressure = 90.0
    calls(0.01)
    assert not loaded.allow()
    tripped = {e.breaker for e in events if isinstance(e, Transition) and e.to_state == "OPEN"}
    assert tripped == set(settings), tripped
    pressure = 1.0
    clock.advance(300)
    calls(0.01)
    share = 0.95
    calls(0.01)
    assert not any(b.allow() for b in breakers)
    share = 0.1
    slow.trip()
    try:
        slow.call(print)
    except BreakerOpenError as error:
        assert str(error)
    slow.reset()
    with slow.guard(timeout=1, priority=Priority.CRITICAL):
        remaining()
    slow.apply(Settings(latency_threshold=50))
    slow.counters()
    assert {type(event) for event in events} >= {
        Transition, RecoveryStep, ThresholdBreached, ThresholdCleared, SettingsChanged
    }
    assert all(str(event) for event in events)
"""


def test_nothing_is_loaded_for_the_first_time_in_the_middle_of_trouble() -> None:
    assert loaded(IN_TROUBLE, since=EMBEDDED) == set()


def test_every_public_name_is_there() -> None:
    assert set(breakerd.__all__) <= set(dir(breakerd))
    for name in breakerd.__all__:
        assert getattr(breakerd, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = breakerd.Nothing
    with pytest.raises(ImportError):
        exec("from breakerd import Nothing")


def test_all_can_be_imported_at_once() -> None:
    names: dict[str, object] = {}
    exec("from breakerd import *", names)
    assert set(breakerd.__all__) <= set(names)


def test_names_are_listed_before_they_are_loaded() -> None:
    assert "breakerd.breaker.registry" not in loaded(
        "import breakerd\nassert {'Registry', 'StateAutosaver', 'Status'} <= set(dir(breakerd))"
    )


@pytest.mark.parametrize("name", breakerd.__all__)
def test_what_is_public_can_be_pickled(name: str) -> None:
    public = getattr(breakerd, name)
    assert pickle.loads(pickle.dumps(public)) is public or public == breakerd.__version__


def test_types_are_seen_by_mypy() -> None:
    assert_type(breakerd.Alerting, type[alerting.Alerting])
    assert_type(breakerd.AlertingSettings, type[alerting_settings.AlertingSettings])
    assert_type(breakerd.Registry, type[registry.Registry])
    assert_type(breakerd.StateAutosaver, type[autosave.StateAutosaver])
    read: breakerd.Status | None = None
    assert_type(read, status_types.Status | None)


def test_settings_load_nothing_that_talks_to_a_receiver() -> None:
    modules = loaded("from breakerd import AlertingSettings; AlertingSettings")
    assert "breakerd.alerts.settings.alerting" in modules
    assert not modules & {
        *("httpx", "opsgenie_sdk", "sqlite3"),
        *("breakerd.alerts.alerting", "breakerd.alerts.receivers"),
    }
