"""Notes of an incident."""

from __future__ import annotations

import pytest

from breakerd.alerts.content.notes import closing_note, joined_note
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.figures import CallCounts, PeakFigures
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.stage import Stage
from breakerd.breaker.testing import simulate_call
from tests.unit.alerts.conftest import World


def incident(peak: PeakFigures | None = None, episodes: int = 1, rejected: int = 0) -> Incident:
    return Incident(
        id="1",
        alias="a",
        breaker="pay",
        kind="open",
        opened_at=1000,
        notify_at=1000,
        stages=(Stage(0, "P3"),),
        content=AlertContent("", "", "", "breakerd"),
        episodes=episodes,
        peak=peak,
        counts=CallCounts(rejected=rejected),
    )


def test_the_last_note_says_how_long_how_bad_and_what_ended_it() -> None:
    worst = PeakFigures(2140.4, 0.95, 600, 0.342, 91.2, 120)
    about = incident(worst, 3, 12_403)
    assert closing_note(about, "its probes and the ramp went well", 1724) == (
        "Over: it lasted 12 min 4 s, 3 times open. Worst: p95 2,140 ms (limit 600 ms), 34% errors, "
        "memory 91%, 120 calls in flight. 12,403 calls rejected. "
        "Ended by: its probes and the ramp went well."
    )


@pytest.mark.parametrize("peak", [None, PeakFigures()])
def test_what_is_not_known_is_not_said(peak: PeakFigures | None) -> None:
    assert closing_note(incident(peak), "", 1005) == "Over: it lasted 5 s."


def test_the_worst_of_two_is_each_by_itself() -> None:
    one, other = PeakFigures(100, 0.9, 300, 0.5, 10, 5), PeakFigures(50, 0.95, 200, 0.6, 20, 9)
    assert one.merged(other) == PeakFigures(100, 0.95, 200, 0.6, 20, 9)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (2, "Also open: b0, b1 (3 in all)."),
        (12, "Also open: b0, b1, b2, b3, b4, b5, b6, b7, b8, b9 and 2 more (13 in all)."),
    ],
)
def test_a_few_of_many_are_named(count: int, words: str) -> None:
    assert joined_note([f"b{n}" for n in range(count)], count + 1) == words


def test_rejected_calls_are_counted_over_the_incident_and_over_restarts(world: World) -> None:
    world.start()
    breaker = world.slow()
    world.after()
    for _ in range(7):
        assert not breaker.allow()
    world.after(11)
    world.restart()
    breaker = world.slow()
    for _ in range(3):
        assert not breaker.allow()
    world.after(6)
    for _ in range(5):
        assert not breaker.allow()
    world.after(6)
    breaker.reset()
    simulate_call(breaker, world.clock, 10)
    world.after(1)
    world.after(61)
    assert "15 calls rejected" in world.notes()[-1]
