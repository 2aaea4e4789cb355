from __future__ import annotations

import pytest

from benchmarks.calls import observers as observation
from benchmarks.calls.comparison import WrongStateError
from benchmarks.calls.observers import Watched
from benchmarks.harness.figures import Effort
from breakerd import State


@pytest.mark.parametrize("state", [State.CLOSED, State.OPEN])
def test_a_measurement_has_one_event_and_one_scrape_in_it(state: State) -> None:
    with Watched(state) as one:
        contestant = one.contestant("one")
        for _ in range(2):
            one.begin()
            contestant.loop.run(1)
            one.settle()
            one.end(contestant.loop.calls)


def test_who_hears_nothing_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    with Watched() as one:
        monkeypatch.setattr(one.breaker, "apply", repr)
        one.begin()
        one.settle()
        with pytest.raises(WrongStateError, match=r"heard \[\]"):
            one.end(0)


def test_who_sees_no_metrics_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    with Watched() as one:
        monkeypatch.setattr(observation, "exposition", lambda *_: (b"", ""))
        one.begin()
        one.settle()
        with pytest.raises(WrongStateError, match="no metrics"):
            one.end(0)


def test_every_form_is_watched_where_it_may_go_and_where_it_may_not() -> None:
    effort = Effort(rounds=1, calls=10, seconds=0.001)
    plain, awaited = observation.measure_forms(effort), observation.measure_async_forms(effort)
    names = [figure.name for figure in plain + awaited]
    assert len(names) == len(set(names)) == 12
    assert sum(name.endswith(", rejected") for name in names) == 6
    assert all(figure.ratio for figure in plain + awaited)
