from __future__ import annotations

import tomllib

import pytest

from breakerd import Settings, Slo
from breakerd.breaker.errors import TraceError
from breakerd.breaker.replay import CallRecord, Proposal, Suggestion, replay, suggest
from breakerd.breaker.replay.outage_filter import split
from breakerd.breaker.replay.runner import replay as play
from tests.support.traces import steady, with_bad_time


def proposals(suggestion: Suggestion) -> tuple[Proposal, ...]:
    return suggestion.thresholds + suggestion.recovery + suggestion.slo


def value(suggestion: Suggestion, key: str) -> float:
    return next(each.value for each in proposals(suggestion) if each.key == key)


def test_what_is_proposed_is_a_configuration() -> None:
    suggestion = suggest(with_bad_time())
    settings = suggestion.settings()
    assert Settings.model_validate(tomllib.loads(suggestion.toml())) == settings
    _, commented = suggestion.toml().split("in place of the thresholds:\n")
    slo = tomllib.loads("\n".join(line.removeprefix("# ") for line in commented.splitlines()))
    assert Slo.model_validate(slo["slo"]) == suggestion.slo_settings().slo
    assert suggestion.slo_settings().wait_time == settings.wait_time
    assert all(each.reason for each in proposals(suggestion))


def test_one_bad_time_does_not_move_it_far() -> None:
    healthy, with_bad = suggest(steady(600)), suggest(with_bad_time())
    for key in ("latency_threshold", "slo.timeout"):
        assert value(with_bad, key) == pytest.approx(value(healthy, key), rel=0.15)


@pytest.mark.parametrize("trouble", [{"slower": 20.0}, {"slower": 1.0, "failing": 0.97}])
def test_it_finds_the_bad_time_and_lets_the_rest_pass(trouble: dict[str, float]) -> None:
    suggestion = suggest(with_bad_time(**trouble))
    report = replay(
        with_bad_time(**trouble), {"a": suggestion.settings(), "b": suggestion.slo_settings()}
    )
    for outcome in report.outcomes:
        assert outcome.trip_count == 1
        assert outcome.median_time_to_detect is not None
        assert outcome.median_time_to_detect < 8
        assert outcome.rejected.good < 0.03 * report.calls


def test_healthy_calls_do_not_trip_it() -> None:
    suggestion = suggest(steady(600))
    report = replay(steady(3000, begin=1000), suggestion.settings())
    assert report.outcomes[0].trip_count == 0


def test_the_window_holds_some_seconds_of_calls() -> None:
    assert value(suggest(steady(600, rate=2)), "latency_window_size") == 32
    assert value(suggest(steady(600, rate=50)), "latency_window_size") == 256
    assert value(suggest(steady(30, rate=900)), "latency_window_size") == 512


def test_the_success_rate_sets_the_percentile() -> None:
    suggestion = suggest(steady(300), success_rate=0.99)
    assert value(suggestion, "percentile") == 0.99
    assert value(suggestion, "slo.success_rate") == 0.99
    strict, usual = suggestion, suggest(steady(300))
    assert value(strict, "latency_threshold") > value(usual, "latency_threshold")
    with pytest.raises(ValueError, match="found a success rate of 1"):
        suggest(steady(10), success_rate=1)


def test_the_wait_follows_the_length_of_bad_times() -> None:
    assert value(suggest(with_bad_time()), "wait_time") == 3
    assert value(suggest(steady(300)), "wait_time") == 5


def test_a_service_that_often_fails_is_told_so() -> None:
    suggestion = suggest(steady(600, failing=0.45))
    assert value(suggestion, "error_threshold") > 0.5
    assert any("even in healthy times 4" in note for note in suggestion.notes)


def test_what_speaks_against_it_is_noted() -> None:
    few = suggest(steady(60))
    assert any("only " in note and "calls to learn from" in note for note in few.notes)
    assert any("no bad time in it" in note for note in few.notes)
    mild = suggest(with_bad_time(slower=1.0, failing=0.2))
    assert any("neither slow nor failing enough" in note for note in mild.notes)


def test_a_trace_of_instant_calls() -> None:
    suggestion = suggest([CallRecord(number / 10, 0.0) for number in range(500)])
    assert value(suggestion, "latency_threshold") == 5
    assert suggestion.settings().latency_threshold == 5
    assert suggestion.slo_settings().slo is not None


def test_no_calls_teach_nothing() -> None:
    with pytest.raises(TraceError, match="nothing to learn from"):
        suggest([])


def test_the_bad_part_is_where_it_was() -> None:
    report = play(with_bad_time(), Settings())
    parts = split(report.bins, report.bin_width, percentile=0.95, error_budget=0.05)
    assert all(299 <= stretch.begin < 361 for stretch in parts.bad)
    assert sum(stretch.end - stretch.begin for stretch in parts.bad) > 55
    assert parts.outage_lengths() == [pytest.approx(60, abs=3)]
    assert parts.rate == pytest.approx(50, rel=0.1)
    assert parts.error_share == pytest.approx(0.001, abs=0.001)


def test_a_trace_all_of_one_kind_is_healthy() -> None:
    report = play(steady(100, failing=1.0), Settings())
    parts = split(report.bins, report.bin_width, percentile=0.95, error_budget=0.05)
    assert not parts.bad
    assert parts.error_share == 1
