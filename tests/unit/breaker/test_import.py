"""What `import breaker` loads, and that all that is public is there all the same."""

from __future__ import annotations

import pickle
from typing import assert_type

import pytest

import breaker
from breaker import keeper, registry, status
from tests.fresh_interpreter import loaded

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
    "breaker.config",
    "breaker.integrations",
    "breaker.keeper",
    "breaker.registry",
    "breaker.replay",
    "breaker.snapshot",
    "breaker.state_file",
    "breaker.status",
}


@pytest.mark.parametrize(
    "program",
    [
        "import breaker",
        "from breaker import Breaker, Settings\nassert Breaker(memory=lambda: 0.1).allow()",
    ],
)
def test_a_breaker_alone_loads_only_what_decides(program: str) -> None:
    modules = loaded(program)
    assert "breaker.engine" in modules
    assert not modules & FOR_THOSE_WHO_ASK


EMBEDDED = """
    from breaker import *
    from breaker.testing import DrivenClock

    clock = DrivenClock()
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
    assert set(breaker.__all__) <= set(dir(breaker))
    for name in breaker.__all__:
        assert getattr(breaker, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = breaker.Nothing
    with pytest.raises(ImportError):
        exec("from breaker import Nothing")


def test_all_can_be_imported_at_once() -> None:
    names: dict[str, object] = {}
    exec("from breaker import *", names)
    assert set(breaker.__all__) <= set(names)


def test_names_are_listed_before_they_are_loaded() -> None:
    assert "breaker.registry" not in loaded(
        "import breaker\nassert {'Registry', 'StateKeeper', 'Status'} <= set(dir(breaker))"
    )


@pytest.mark.parametrize("name", breaker.__all__)
def test_what_is_public_can_be_pickled(name: str) -> None:
    public = getattr(breaker, name)
    assert pickle.loads(pickle.dumps(public)) is public or public == breaker.__version__


def test_types_are_seen_by_mypy() -> None:
    assert_type(breaker.Registry, type[registry.Registry])
    assert_type(breaker.StateKeeper, type[keeper.StateKeeper])
    read: breaker.Status | None = None
    assert_type(read, status.Status | None)
