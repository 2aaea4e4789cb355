from __future__ import annotations

import pytest

from benchmarks.calls import observers
from benchmarks.calls.observers import ObservedBreaker
from benchmarks.harness.comparison import WrongStateError
from benchmarks.harness.figures import Effort
from breakerd import State


@pytest.mark.parametrize("state", [State.CLOSED, State.OPEN])
def test_a_measurement_has_one_event_and_one_scrape_in_it(state: State) -> None:
    with ObservedBreaker(state) as one:
        candidate = one.candidate("one")
        for _ in range(2):
            one.begin()
            candidate.loop.run(1)
            one.flush()
            one.end(candidate.loop.calls)


def test_a_subscriber_without_events_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    with ObservedBreaker() as one:
        monkeypatch.setattr(one.breaker, "apply", repr)
        one.begin()
        one.flush()
        with pytest.raises(WrongStateError, match=r"got \[\]"):
            one.end(0)


def test_a_scrape_without_metrics_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    with ObservedBreaker() as one:
        monkeypatch.setattr(observers, "exposition", lambda *_: (b"", ""))
        one.begin()
        one.flush()
        with pytest.raises(WrongStateError, match="no metrics"):
            one.end(0)


def test_every_form_is_watched_where_it_may_go_and_where_it_may_not() -> None:
    effort = Effort(rounds=1, calls=10, seconds=0.001)
    plain, awaited = observers.measure_forms(effort), observers.measure_async_forms(effort)
    names = [figure.name for figure in plain + awaited]
    assert len(names) == len(set(names)) == 12
    assert sum(name.endswith(", rejected") for name in names) == 6
    assert all(figure.ratio for figure in plain + awaited)
