from __future__ import annotations

import json
import re
from math import inf
from typing import Any

import pytest

from breakerd.breaker.replay.trace.hints import Unit
from breakerd.breaker.replay.trace.prometheus import (
    BucketSamples,
    describe_approximation,
    is_sample,
    read_query_range,
    read_sample,
)


def series(le: str, *values: float, **labels: str) -> dict[str, Any]:
    metric = {"__name__": "call_seconds_bucket", "le": le} | labels
    return {"metric": metric, "values": [[100 + 15 * n, str(v)] for n, v in enumerate(values)]}


def answer(*result: dict[str, Any]) -> str:
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}})


def test_an_answer_of_query_range() -> None:
    (found,) = read_query_range(
        answer(series("+Inf", 5, 9), series("0.1", 3, 6), series("0.5", 4, 8))
    )
    assert list(found.bounds) == [0.1, 0.5, inf]
    assert list(found.times) == [100, 115]
    assert [list(row) for row in found.counts] == [[3, 4, 5], [6, 8, 9]]
    assert not found.failed


@pytest.mark.parametrize(
    ("labels", "failed"),
    [({"code": "503"}, True), ({"status": "5xx"}, True), ({"code": "404"}, False),
     ({"outcome": "error"}, True), ({"code": "unheard-of"}, False), ({"success": "false"}, True)],
)  # fmt: skip
def test_labels_tell_what_failed(labels: dict[str, str], *, failed: bool) -> None:
    (found,) = read_query_range(answer(series("1", 1, 2, **labels)))
    assert found.failed is failed


def test_other_labels_make_histograms_of_their_own() -> None:
    both = answer(series("1", 1, 2, pod="a"), series("1", 1, 2, pod="b"))
    assert len(read_query_range(both)) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"data": {"resultType": "vector", "result": []}}', "found resultType 'vector'"),
        ("[]", "wanted 'matrix'"),
        (answer(), "found no two scrapes"),
        (answer(series("1", 1)), "found no two scrapes"),
        (answer(series("+Inf", 1, 2)), "found no bucket with a finite bound"),
        (answer(series("1", 0.5, 0.7)), r"wanted the counters themselves, not rate\(\)"),
        (answer({"metric": {}, "values": [[1, "1"]]}), "found a series without le"),
        (answer({"metric": {"le": "1"}}), "another shape"),
        (
            answer(
                series("1", 1, 2), {**series("1", 1, 2), "metric": {"__name__": "b", "le": "1"}}
            ),
            "found histograms of b, call_seconds_bucket; a trace is of one",
        ),
    ],
)
def test_what_is_no_histogram_over_time(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_query_range(text)


def test_a_missing_sample_has_what_is_below_it() -> None:
    (found,) = read_query_range(answer(series("0.1", 3, 6), series("+Inf", 5, float("nan"))))
    assert [list(row) for row in found.counts] == [[3, 5], [6, 6]]


def test_the_text_exposition_over_time() -> None:
    samples = BucketSamples()
    for line in (
        "# TYPE call_ms histogram",
        'call_ms_bucket{le="100",path="/a\\"b"} 3 1700000000000',
        'call_ms_bucket{le="+Inf",path="/a\\"b"} 4 1700000000000 # {trace_id="x"} 9',
        'call_ms_bucket{le="100",path="/a\\"b"} 5 1700000015000',
        'call_ms_bucket{le="+Inf",path="/a\\"b"} 7 1700000015000',
        "call_ms_sum 12 1700000015000",
        "",
    ):
        read_sample(line, samples)
    (found,) = samples.histograms()
    assert list(found.bounds) == [0.1, inf]
    assert list(found.times) == [1700000000.0, 1700000015.0]
    assert [list(row) for row in found.counts] == [[3, 4], [5, 7]]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('a_bucket{le="1"} 3', "this sample has no time"),
        ('a_bucket{le="1"} many 1700000000000', "wanted name_bucket"),
        ("a_bucket 3 1700000000000", "wanted name_bucket"),
        ("???", "wanted name_bucket"),
    ],
)
def test_broken_samples(line: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_sample(line, BucketSamples())


def test_the_approximation_is_told() -> None:
    note = describe_approximation(
        read_query_range(answer(series("0.5", 1, 2, 3), series("+Inf", 1, 2, 3)))
    )
    assert "intervals of about 15 s" in note
    assert "from 0.5 to 1 s above the last bound" in note


def test_a_sample_is_known_by_its_name() -> None:
    assert is_sample('http_bucket{le="1"} 3')
    assert not is_sample('http_count{code="1"} 3')
    assert not is_sample("start,duration")


OPEN_TELEMETRY = (5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000)


def of_bounds(*bounds: float, name: str | None = None, unit: Unit | None = None) -> BucketSamples:
    samples = BucketSamples(unit)
    named = {} if name is None else {"__name__": name}
    for at in (100, 115):
        for bound in bounds:
            samples.add({"le": str(bound), **named}, at, float(at))
    return samples


@pytest.mark.parametrize(
    ("bounds", "name", "last", "note"),
    [
        ((0.005, 0.1, 10), None, 10, None),
        ((0.1, 600), "call_duration_bucket", 600, None),
        ((1, 5, 60), None, 60, "taken as seconds"),
        (OPEN_TELEMETRY, None, 10, "bounds from 5 to 10000, and no name .*: taken as millisec"),
        (OPEN_TELEMETRY, "http_server_duration_bucket", 10, "taken as milliseconds"),
        (OPEN_TELEMETRY, "http_server_duration_milliseconds_bucket", 10, None),
        ((1, 1000), "call_seconds_bucket", 1000, None),
        ((1, 1_000_000), "call_us_bucket", 1, None),
    ],
)
def test_the_unit_of_the_bounds(
    bounds: tuple[float, ...], name: str | None, last: float, note: str | None
) -> None:
    samples = of_bounds(*bounds, name=name)
    (found,) = samples.histograms()
    assert found.bounds[-2] == pytest.approx(last)
    assert samples.note is None if note is None else re.search(note, samples.note or "")


def test_a_stated_unit_of_the_bounds() -> None:
    samples = of_bounds(*OPEN_TELEMETRY, unit=Unit.S)
    assert samples.histograms()[0].bounds[-2] == 10_000
    assert samples.note is None


@pytest.mark.parametrize("bounds", [(1000, 1e9), (0.5, 5000)])
def test_bounds_whose_unit_cannot_be_known(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"no name to give their unit; state it: --unit s\|ms"):
        of_bounds(*bounds).histograms()
