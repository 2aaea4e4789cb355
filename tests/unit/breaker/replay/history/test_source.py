"""A history as a source of calls: what it is called, and how certain it is."""

from __future__ import annotations

import pytest

from breakerd import Settings, TraceError
from breakerd.breaker.replay import HistorySource, replay
from breakerd.breaker.states import State
from tests.support.slots import NOON, slot

NORMAL = [0.05] * 20
SLOW = [0.8] * 20
TIGHT = Settings(latency_threshold=400)


def test_a_history_says_how_certain_it_is() -> None:
    slots = [slot(SLOW if n in range(20, 24) else NORMAL, number=n) for n in range(40)]
    source = HistorySource("payments", slots)
    assert (source.name, source.form, source.broken) == ("payments", "history", ())
    assert (source.began, source.ended) == (NOON, NOON + 400)
    assert len(source.notes) == 2
    assert "slots of 10 s for 0.111 h: times are known to 10 s" in source.notes[1]
    assert source.data()["slots"] == [
        {
            "width_seconds": 10,
            "seconds": 400.0,
            "resolution_seconds": 10.0,
            "trips_found": pytest.approx(0.5, abs=0.5),
            "trips_real": pytest.approx(0.5, abs=0.5),
            "outages_found": pytest.approx(0.5, abs=0.5),
            "outages_real": pytest.approx(0.5, abs=0.5),
        }
    ]


def test_trips_amid_rejected_calls_are_uncertain() -> None:
    slots = [
        slot(
            SLOW if n in range(20, 24) else NORMAL,
            number=n,
            state=State.OPEN if n in {20, 21} else State.CLOSED,
            rejected={"latency": 10} if n in {21, 22, 30} else {},
        )
        for n in range(40)
    ]
    source = HistorySource("payments", slots)
    assert "30 calls (3.61%) were rejected when they were recorded, in 10.00%" in source.notes[2]
    report = replay(source, {"tight": TIGHT})
    source.judge(report)
    assert source.certainty.rejecting == [(NOON + 200, NOON + 230), (NOON + 300, NOON + 310)]
    assert "1 of 1 trips of tight lie there, and are uncertain" in source.notes[2]
    assert source.data()["uncertain_trips"] == [
        {"name": "tight", "at": [report.outcomes[0].trips[0].at]}
    ]


def test_an_odd_width_is_as_certain_as_the_next_wider_one() -> None:
    slots = [slot(NORMAL, width=30.0)]
    thirty = HistorySource("payments", slots).data()["slots"]
    sixty = HistorySource("payments", [slot(NORMAL, width=60.0)]).data()["slots"]
    wide = HistorySource("payments", [slot(NORMAL, width=300.0)]).data()["slots"]
    for found in (thirty, wide):
        assert isinstance(found, list)
        assert isinstance(sixty, list)
        assert found[0]["trips_found"] == sixty[0]["trips_found"]


def test_nothing_recorded_is_an_error() -> None:
    with pytest.raises(TraceError, match="payments: no calls are recorded in that time"):
        HistorySource("payments", [])
    with pytest.raises(TraceError, match="payments: no call ended in that time"):
        list(HistorySource("payments", [slot([])]))
