from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from benchmarks.harness import http_load
from benchmarks.harness.figures import Effort
from benchmarks.harness.http_load import Load
from benchmarks.services import admin


@pytest.mark.needs("wrk")
def test_the_plane_is_loaded_and_the_engine_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "BREAKERS", 5)
    monkeypatch.setattr(admin, "READERS", 3)
    monkeypatch.setattr(admin, "PATHS", [replace(path, min_seconds=0.2) for path in admin.PATHS])
    figures = admin.measure(Effort(rounds=1, calls=1, seconds=0.4))
    assert len({figure.name for figure in figures}) == len(figures)
    answers = [figure for figure in figures if figure.name.startswith("GET")]
    assert len(answers) == len(admin.PATHS)
    for figure in answers:
        assert figure.value is not None
        assert figure.value > 0
        assert figure.details["errors"] == 0
        assert figure.details["bytes"] > 100
    (arrived,) = (figure for figure in figures if "share that arrived" in figure.name)
    assert arrived.value == 1
    engine = [figure for figure in figures if figure.name.startswith("calls in")]
    assert [figure.ratio is None for figure in engine] == [True] + [False] * (len(engine) - 1)
    assert all(figure.details["calls_per_second"] > 0 for figure in engine)


@pytest.mark.needs("wrk")
def test_a_load_that_had_no_answer_is_tried_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: dict[str, list[float]] = {}

    def slow(url: str, seconds: float, *, connections: int) -> Load:
        tried.setdefault(url, []).append(seconds)
        load = http_load.load(url, seconds, connections=connections)
        return load if len(tried[url]) > 2 else replace(load, requests=0)

    monkeypatch.setattr(admin, "http_load", SimpleNamespace(require=http_load.require, load=slow))
    monkeypatch.setattr(admin, "BREAKERS", 5)
    monkeypatch.setattr(admin, "READERS", 3)
    monkeypatch.setattr(admin, "PATHS", [replace(path, min_seconds=0.1) for path in admin.PATHS])
    figures = admin.measure(Effort(rounds=1, calls=1, seconds=0.2))
    assert all(figure.value for figure in figures if figure.name.startswith("GET"))
    for seconds in tried.values():
        assert seconds[:3] == [0.1, 0.2, 0.4]
