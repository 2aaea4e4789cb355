"""Nothing here runs on the time that freezegun freezes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import time_machine
from freezegun import freeze_time

from breakerd import Breaker, Settings, Transition
from breakerd.breaker.clock import CLOCK
from breakerd.breaker.host.memory import MEMORY
from breakerd.breaker.testing import EventLog
from tests.support.fresh_interpreter import loaded

YEAR = 365 * 86400.0


class Real:
    """Kept on a class: freezegun replaces attributes of modules, this one's too."""

    monotonic = staticmethod(time.monotonic)


@pytest.fixture
def breaker() -> Iterator[Breaker]:
    made = Breaker(Settings(latency_threshold=500), name="made before", memory=lambda: 0.1)
    yield made
    made.close()


def test_freezegun_does_not_replace_it() -> None:
    with freeze_time("2040-01-01"):
        assert time.monotonic is not Real.monotonic
        assert CLOCK.monotonic is Real.monotonic
        assert CLOCK.stands_for(time.monotonic)
        assert CLOCK.stands_for(Real.monotonic)
        assert not CLOCK.stands_for(time.perf_counter)


def test_calls_under_freezegun_have_their_real_times(breaker: Breaker) -> None:
    with freeze_time("2040-01-01") as date:
        with breaker.guard():
            date.tick(60)
        with pytest.raises(KeyError), breaker.guard():
            raise KeyError
    times = [end for end, _, _ in breaker.machinery.core.engine.window.dump()]
    assert len(times) == 2
    assert max(times) <= time.monotonic()


def test_calls_that_begin_or_end_under_it_take_no_years(breaker: Breaker) -> None:
    into, out = breaker.guard(), breaker.guard()
    into.__enter__()
    freezer = freeze_time("2040-01-01")
    freezer.start()
    into.__exit__(None, None, None)
    out.__enter__()
    freezer.stop()
    out.__exit__(None, None, None)
    assert breaker.counters().success == 2
    assert breaker.counters().duration_sum < YEAR
    assert breaker.state == "CLOSED"


def test_a_breaker_made_under_it_is_like_others() -> None:
    with freeze_time("2040-01-01"):
        made = Breaker(name="frozen")
        explicit = Breaker(name="explicit", clock=time.monotonic)
        made.trip()
        assert made.retry_after <= 11
        made.reset()
    for each in (made, explicit):
        ordinary = Breaker(name="ordinary")
        assert each.clock is ordinary.clock is Real.monotonic
        assert type(each.guard()) is type(ordinary.guard())
        for running in (each, ordinary):
            assert running.allow()
            assert running.machinery.core._background
        ordinary.close()
        each.close()


def test_memory_is_read_again_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MEMORY, "_read_at", float("-inf"))
    with freeze_time("2040-01-01"):
        MEMORY.read()
    assert MEMORY._read_at <= time.monotonic()


def test_events_have_the_date_of_both(breaker: Breaker) -> None:
    log = EventLog()
    breaker.subscribe(log)
    with freeze_time("2040-01-01"):
        breaker.trip()
    with time_machine.travel("2041-01-01 00:00+00:00", tick=False) as traveller:
        breaker.reset()
        breaker.trip()
        traveller.shift(3600)
        assert breaker.state == "OPEN"
    assert [time.gmtime(event.at).tm_year for event in log.of(Transition)] == [2040, 2041, 2041]
    assert all(event.monotonic <= time.monotonic() for event in log)


def test_also_where_it_is_imported_first_under_it() -> None:
    loaded("""
        import time
        from freezegun import freeze_time
        with freeze_time("2040-01-01"):
            from breakerd import Breaker
            breaker = Breaker(memory=lambda: 0.1)
            with breaker.guard():
                pass
        with freeze_time("2045-01-01"):
            assert breaker.clock is Breaker().clock
            assert abs(breaker.clock() - Breaker().clock()) < 1000
        assert breaker.clock is time.monotonic, breaker.clock
        assert breaker.counters().duration_sum < 1000
    """)
