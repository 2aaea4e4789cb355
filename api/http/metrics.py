"""Metrics in Prometheus' format, collected when asked for and never on the way of a call."""

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.calls.counters import Counters
from breakerd.breaker.registry import Registry
from breakerd.breaker.runtime.status import Status
from breakerd.breaker.states import State

if TYPE_CHECKING:
    from breakerd.alerts.alerting import Alerting

_STARTED: Final = time.time()


def exposition(
    registry: Registry, alerting: "Alerting | None", accept: str = ""
) -> tuple[bytes, str]:
    """All metrics as text, and its media type, in the format that `accept` prefers."""
    collectors = CollectorRegistry(auto_describe=False)
    collectors.register(BreakerCollector(registry, alerting))
    encode, media_type = choose_encoder(accept)
    return encode(collectors), media_type


class BreakerCollector(Collector):
    """Reads a registry's breakers and its alerting.

    To be registered in a host's own `CollectorRegistry`, if it has one.
    """

    def __init__(self, registry: Registry, alerting: "Alerting | None" = None) -> None:
        self._registry = registry
        self._alerting = alerting

    def describe(self) -> Iterable[Metric]:
        """Nothing: so registering it collects nothing."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All metrics, as they are now."""
        # Once for all of them: a status is dear, and there may be a thousand breakers.
        breakers = [
            Reading(breaker, breaker.counters(), breaker.status()) for breaker in self._registry
        ]
        yield _state(breakers)
        yield _calls(breakers)
        yield _durations(breakers)
        yield _transitions(breakers)
        yield _memory(breakers)
        yield _concurrency_limit(breakers)
        yield _in_flight(breakers)
        yield _baseline(breakers)
        yield _trouble(breakers)
        yield _load(breakers)
        yield from self._config()
        if self._alerting is not None:
            yield from _alerts(self._alerting)

    def _config(self) -> Iterator[Metric]:
        """Without a file, the built-in settings count as applied at the start."""
        config = self._registry.config
        yield GaugeMetricFamily(
            "breakerd_config_last_reload_successful",
            "Whether what stands in the configuration file is in force.",
            value=config is None or config.status.successful,
        )
        yield GaugeMetricFamily(
            "breakerd_config_last_reload_success_timestamp_seconds",
            "When the configuration in force was read.",
            value=_STARTED if config is None else config.status.last_success_at,
        )


class Reading(NamedTuple):
    """What was read of one breaker."""

    breaker: Breaker
    counters: Counters
    status: Status


Readings = list[Reading]


def _state(breakers: Readings) -> Metric:
    family = GaugeMetricFamily(
        "breaker_state", "1 for the state that the breaker is in.", labels=["breaker", "state"]
    )
    for breaker, _, status in breakers:
        for state in State:
            family.add_metric([breaker.name, state.value], state.value == status["state"])
    return family


def _calls(breakers: Readings) -> Metric:
    family = CounterMetricFamily(
        "breaker_calls", "Calls, by what became of them.", labels=["breaker", "outcome"]
    )
    for breaker, counters, _ in breakers:
        family.add_metric([breaker.name, "success"], counters.success)
        family.add_metric([breaker.name, "error"], counters.error)
        family.add_metric([breaker.name, "rejected"], counters.rejected)
    return family


def _durations(breakers: Readings) -> Metric:
    family = HistogramMetricFamily(
        "breaker_call_duration_seconds", "How long calls took.", labels=["breaker"]
    )
    for breaker, counters, _ in breakers:
        buckets = [(_bound(bound), count) for bound, count in counters.duration_buckets]
        family.add_metric([breaker.name], buckets, counters.duration_sum)
    return family


def _bound(seconds: float) -> str:
    return "+Inf" if seconds == math.inf else str(seconds)


def _transitions(breakers: Readings) -> Metric:
    family = CounterMetricFamily(
        "breaker_transitions",
        "Changes of state.",
        labels=["breaker", "from", "to", "reason"],
    )
    for breaker, counters, _ in breakers:
        for (before, after, reason), count in counters.transitions.items():
            family.add_metric([breaker.name, before, after, reason], count)
    return family


def _memory(breakers: Readings) -> Metric:
    family = GaugeMetricFamily(
        "breaker_memory_usage_ratio",
        "Used share of the memory limit; absent where unknown.",
        labels=["breaker"],
    )
    for breaker, _, status in breakers:
        if status["memory_known"]:
            family.add_metric([breaker.name], status["memory_usage_percent"] / 100)
    return family


def _concurrency_limit(breakers: Readings) -> Metric:
    family = GaugeMetricFamily(
        "breaker_concurrency_limit",
        "How many calls may run at once; +Inf where there is no limit.",
        labels=["breaker"],
    )
    for breaker, *_ in breakers:
        family.add_metric([breaker.name], breaker.concurrency_limit)
    return family


def _in_flight(breakers: Readings) -> Metric:
    family = GaugeMetricFamily(
        "breaker_in_flight", "Calls allowed and not reported yet.", labels=["breaker"]
    )
    for breaker, counters, _ in breakers:
        family.add_metric([breaker.name], counters.in_flight)
    return family


def _baseline(breakers: Readings) -> Metric:
    family = GaugeMetricFamily(
        "breaker_baseline",
        "What was learnt of the calls: per second, fractions, seconds and calls.",
        labels=["breaker", "quantity", "scale", "statistic"],
    )
    for breaker, _, status in breakers:
        for quantity, scales in status["baseline"]["series"].items():
            for scale, series in scales.items():
                labels = [breaker.name, quantity, scale]
                family.add_metric([*labels, "mean"], series["mean"])
                family.add_metric([*labels, "deviation"], series["deviation"])
                family.add_metric([*labels, "p99"], series["p99"])
    return family


def _trouble(breakers: Readings) -> Metric:
    family = GaugeMetricFamily(
        "breaker_service_ok",
        "Whether the stated service level is kept, calls are normal, and the load is borne.",
        labels=["breaker"],
    )
    for breaker, *_ in breakers:
        family.add_metric([breaker.name], breaker.service_ok)
    return family


def _load(breakers: Readings) -> Metric:
    """What is not watched, or not known, is absent: nobody is to take it for nothing."""
    family = GaugeMetricFamily(
        "breaker_load",
        "Load of the machine, where it is watched: pressures as fractions of the time, the load "
        "average by CPU, the event loop's lag in seconds.",
        labels=["breaker", "figure"],
    )
    for breaker, _, status in breakers:
        load = status["load"]
        if load is None:
            continue
        figures = {
            "cpu_pressure": (load["cpu_pressure_percent"], 100),
            "memory_pressure": (load["memory_pressure_percent"], 100),
            "io_pressure": (load["io_pressure_percent"], 100),
            "load_per_cpu": (load["load_per_cpu"], 1),
            "loop_lag": (load["loop_lag_ms"], 1000),
            "severity": (load["severity"], 1),
        }
        for name, (value, unit) in figures.items():
            if value is not None:
                family.add_metric([breaker.name, name], value / unit)
    return family


def _alerts(alerting: "Alerting") -> Iterator[Metric]:
    stats = alerting.stats()
    deliveries = CounterMetricFamily(
        "breakerd_alerts", "Deliveries to receivers of alerts.", labels=["receiver", "outcome"]
    )
    for (receiver, outcome), count in stats.counts.items():
        deliveries.add_metric([receiver, outcome], count)
    yield deliveries
    yield GaugeMetricFamily(
        "breakerd_alerts_pending",
        "Incidents of which the receiver does not know all it should.",
        value=stats.pending,
    )
    yield GaugeMetricFamily(
        "breakerd_alert_oldest_pending_seconds",
        "Age of the oldest of them.",
        value=stats.oldest_pending_seconds,
    )
    yield _by_receiver(
        "breakerd_alerts_dead_letters",
        "Alerts that were given up, and that nobody has retried or discarded.",
        stats.dead_letters,
    )
    yield _by_receiver(
        "breakerd_alerts_last_success_timestamp_seconds",
        "When a receiver last did as it was asked; absent where it was not asked yet.",
        {receiver: at for receiver, at in stats.last_success.items() if at},
    )
    yield _by_receiver(
        "breakerd_heartbeat_last_success_timestamp_seconds",
        "When the heartbeat of a receiver was last pinged; 0 if it never was.",
        stats.last_heartbeat,
    )


def _by_receiver(name: str, words: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=["receiver"])
    for receiver, value in values.items():
        family.add_metric([receiver], value)
    return family
