"""Metrics of candidates: what they would have done, in all processes of the host."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from breakerd.breaker.shadow.report import ShadowReport
from breakerd.breaker.states import State

Reports = Mapping[str, ShadowReport]


def shadow_families(reports: Reports) -> Iterator[Metric]:
    """Yield the metrics of breakers with a candidate; none where there is none.

    The counters begin anew with another candidate.
    """
    if not reports:
        return
    yield _counter("breaker_shadow_calls", "Calls compared with a candidate.", reports)
    yield _rejections(reports)
    yield _trips(reports)
    yield _counter(
        "breaker_shadow_unseen_calls",
        "Calls rejected by the settings in force, of which a candidate knows nothing.",
        reports,
        key="unseen_calls",
    )
    yield _states(reports)
    yield _times(
        "breaker_shadow_since_timestamp_seconds",
        "Unix time at which the comparison with the candidate began.",
        {name: report["since"] for name, report in reports.items()},
    )
    yield _times(
        "breaker_shadow_promotion_due_timestamp_seconds",
        "Unix time at which the candidate is to be promoted; absent if nobody has promised it.",
        {
            name: promise["due"]
            for name, report in reports.items()
            if (promise := report["promise"]) is not None
        },
    )


def _counter(name: str, text: str, reports: Reports, key: str = "compared_calls") -> Metric:
    family = CounterMetricFamily(name, text, labels=["breaker"])
    for breaker, report in reports.items():
        calls = report["unseen_calls"] if key == "unseen_calls" else report["compared_calls"]
        family.add_metric([breaker], calls)
    return family


def _rejections(reports: Reports) -> Metric:
    family = CounterMetricFamily(
        "breaker_shadow_rejections",
        "Calls that a candidate would have rejected, by how they ended; good ones for nothing.",
        labels=["breaker", "outcome"],
    )
    for breaker, report in reports.items():
        family.add_metric([breaker, "good"], report["false_rejections"])
        family.add_metric([breaker, "slow"], report["would_reject_slow"])
        family.add_metric([breaker, "failed"], report["would_reject_failed"])
    return family


def _trips(reports: Reports) -> Metric:
    family = CounterMetricFamily(
        "breaker_shadow_trips",
        "Trips by signals since the comparison began, of the candidate and in force.",
        labels=["breaker", "side"],
    )
    for breaker, report in reports.items():
        family.add_metric([breaker, "active"], report["active"]["trips"])
        family.add_metric([breaker, "candidate"], report["candidate"]["trips"])
    return family


def _states(reports: Reports) -> Metric:
    family = GaugeMetricFamily(
        "breaker_shadow_state",
        "1 for the state that the candidate has in this process.",
        labels=["breaker", "state"],
    )
    for breaker, report in reports.items():
        for state in (State.CLOSED, State.OPEN, State.HALF_OPEN, State.WARMING_UP):
            family.add_metric([breaker, state.value], report["state"] == state.value)
    return family


def _times(name: str, text: str, times: Mapping[str, str]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["breaker"])
    for breaker, at in times.items():
        family.add_metric([breaker], datetime.fromisoformat(at).timestamp())
    return family
