"""Metrics of breakers, of one process or summed over several."""

import math
from collections.abc import Iterator, Mapping

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from breakerd.breaker.fleet.host_counters.figures import Figures
from breakerd.breaker.states import State

ByBreaker = Mapping[str, Figures]


def breaker_families(breakers: ByBreaker) -> Iterator[Metric]:
    """Yield the metrics of breakers by their names."""
    yield _state(breakers)
    yield _calls(breakers)
    yield _durations(breakers)
    yield _transitions(breakers)
    yield _concurrency_limit(breakers)
    yield _in_flight(breakers)
    yield _healthy(breakers)


def _state(breakers: ByBreaker) -> Metric:
    family = GaugeMetricFamily(
        "breaker_state",
        "Processes whose breaker has the state: 1 or 0 for one process.",
        labels=["breaker", "state"],
    )
    for name, figures in breakers.items():
        for state in State:
            family.add_metric([name, state.value], figures.gauges.states[state.value])
    return family


def _calls(breakers: ByBreaker) -> Metric:
    family = CounterMetricFamily(
        "breaker_calls", "Calls by outcome.", labels=["breaker", "outcome"]
    )
    for name, figures in breakers.items():
        totals = figures.totals
        family.add_metric([name, "success"], totals.success)
        family.add_metric([name, "error"], totals.error)
        family.add_metric([name, "abandoned"], totals.abandoned)
        family.add_metric([name, "rejected"], totals.rejected)
    return family


def _durations(breakers: ByBreaker) -> Metric:
    family = HistogramMetricFamily(
        "breaker_call_duration_seconds", "Duration of calls.", labels=["breaker"]
    )
    for name, figures in breakers.items():
        buckets = [(_bound(bound), count) for bound, count in figures.totals.cumulative()]
        family.add_metric([name], buckets, figures.totals.seconds)
    return family


def _bound(seconds: float) -> str:
    return "+Inf" if seconds == math.inf else str(seconds)


def _transitions(breakers: ByBreaker) -> Metric:
    family = CounterMetricFamily(
        "breaker_transitions",
        "State transitions.",
        labels=["breaker", "from", "to", "reason"],
    )
    for name, figures in breakers.items():
        for (before, after, reason), count in figures.totals.transitions.items():
            family.add_metric([name, before, after, reason], count)
    return family


def _concurrency_limit(breakers: ByBreaker) -> Metric:
    family = GaugeMetricFamily(
        "breaker_concurrency_limit",
        "Maximum number of concurrent calls; +Inf without a limit.",
        labels=["breaker"],
    )
    for name, figures in breakers.items():
        # Nobody who would limit it runs: its counts are of processes that have ended.
        limit = figures.gauges.limit if figures.gauges.states else math.inf
        family.add_metric([name], limit)
    return family


def _in_flight(breakers: ByBreaker) -> Metric:
    family = GaugeMetricFamily(
        "breaker_in_flight", "Calls admitted and not yet reported.", labels=["breaker"]
    )
    for name, figures in breakers.items():
        family.add_metric([name], figures.gauges.in_flight)
    return family


def _healthy(breakers: ByBreaker) -> Metric:
    family = GaugeMetricFamily(
        "breaker_healthy",
        "1 if the SLO is met, calls are normal, and the load is bearable in each process; else 0.",
        labels=["breaker"],
    )
    for name, figures in breakers.items():
        family.add_metric([name], figures.gauges.unhealthy == 0)
    return family
