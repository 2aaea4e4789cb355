"""Logs and results of load tools, whose figures are known: `tests/data/recorded`."""

from __future__ import annotations

from pathlib import Path

import pytest

from breakerd import Settings
from breakerd.breaker.replay import Report, Trace, replay, suggest

FOLDER = Path(__file__).resolve().parents[3] / "data" / "recorded"
LIMIT = Settings(latency_threshold=1000)


def report_of(name: str) -> Report:
    with Trace(FOLDER / f"{name}.gz") as trace:
        report = replay(trace, LIMIT)
        assert trace.broken_count == 0
    return report


@pytest.mark.parametrize(
    ("name", "calls", "failed", "p50", "trips"),
    [
        ("ns-durations-hang.vegeta_fast.json", 300, 0, 0.08, 0),
        ("ns-durations-hang.traefik_fast.json", 300, 0, 0.08, 0),
        ("apache-us.access.log", 120, 0, 0.1, 0),
        ("gunicorn.gunicorn_D.log", 60, 0, 0.1, 0),
        ("gunicorn.gunicorn_L.log", 60, 0, 0.1, 0),
        ("gunicorn.gunicorn_Ls.log", 60, 0, 0.1, 0),
        ("gunicorn.gunicorn_M.log", 60, 0, 0.1, 0),
        ("jmeter.jmeter.csv", 99, 0, 0.1, 0),
        ("jmeter.renamed.csv", 300, 0, 0.08, 1),
        ("jmeter.timeouts.csv", 400, 20, 0.08, 0),
        ("end-timestamps.caddy.jsonl", 420, 34, 0.12, 1),
        ("kube-prefix.access.log", 60, 0, 0.08, 0),
        ("kube-prefix.docker-json.log", 60, 0, 0.08, 0),
    ],
)
def test_the_figures_of_a_log(name: str, calls: int, failed: int, p50: float, trips: int) -> None:
    report = report_of(name)
    assert (report.calls, report.errors) == (calls, failed)
    assert report.percentiles(0.5)[0] == pytest.approx(p50, rel=0.06)
    assert report.outcomes[0].trip_count == trips


def test_elapsed_and_not_the_time_to_the_first_byte() -> None:
    assert report_of("jmeter.renamed.csv").percentiles(0.99)[0] == pytest.approx(3.0, rel=0.02)


def test_a_stamp_at_the_end_moves_no_trip() -> None:
    report = report_of("end-timestamps.caddy.jsonl")
    (trip,) = report.outcomes[0].trips
    assert trip.at - report.began == pytest.approx(62.0, abs=0.05)
    assert "calls in flight" in trip.evidence[0], "the first one ends a second later"


def test_nanoseconds_are_suggested_from_as_well() -> None:
    with Trace(FOLDER / "ns-durations-hang.vegeta_fast.json.gz") as trace:
        values = {each.key: each.value for each in suggest(trace).thresholds}
    assert 80 < values["latency_threshold"] < 120
