"""Collect Prometheus metrics when scraped; calls pay nothing for them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from breakerd.api.http.metric_families.breakers import breaker_families
from breakerd.api.http.metric_families.configuration import configuration_families
from breakerd.api.http.metric_families.fleet import fleet_metrics
from breakerd.api.http.metric_families.shadow import shadow_families
from breakerd.api.http.parts import PARTS, parts_of
from breakerd.api.logging import dropped_records
from breakerd.breaker.breaker import Breaker
from breakerd.breaker.config_log.drift import DriftedKey
from breakerd.breaker.fleet.host_counters.figures import Figures, read_figures
from breakerd.breaker.registry import Registry
from breakerd.breaker.registry.config_report import drift_of_file
from breakerd.breaker.runtime.status_types import Status
from breakerd.breaker.shadow.report import ShadowReport

if TYPE_CHECKING:
    from breakerd.alerts.alerting import Alerting
    from breakerd.breaker.fleet.runtime.fleet import Fleet
    from breakerd.breaker.fleet.views.views import FleetViews


def exposition(collector: Collector, accept: str = "") -> tuple[bytes, str]:
    """Return all metrics as text, with its media type, in the format that `accept` prefers."""
    collectors = CollectorRegistry(auto_describe=False)
    collectors.register(collector)
    try:
        encode, media_type = choose_encoder(accept)
    except TypeError:  # a version that is no number
        encode, media_type = choose_encoder("")
    return encode(collectors), media_type


class BreakerCollector(Collector):
    """Collect the metrics of a registry's breakers and of its alerting.

    A host may register it in its own `CollectorRegistry`. Thread-safe.

    Args:
        registry: the breakers.
        alerting: the alerting; None if the process has none.
        not_running: returns why parts of the process do not run, by their names; by default asks
            registry and alerting.
        fleet: all processes that share breakers with this one; None if there is only this one.
        views: what the processes of the host have counted; None for this process alone.
        drift: returns what is in force and not in the file; by default as the file alone tells.
    """

    def __init__(
        self,
        registry: Registry,
        alerting: "Alerting | None" = None,
        not_running: Callable[[], Mapping[str, str]] | None = None,
        fleet: "Fleet | None" = None,
        views: "FleetViews | None" = None,
        drift: Callable[[], Iterable[DriftedKey]] | None = None,
    ) -> None:
        self._registry = registry
        self._alerting = alerting
        self._fleet = fleet
        self._views = views
        self._drift = drift or self._drift_of_file
        self._not_running = not_running or parts_of(registry, alerting).not_running

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that registering does not collect."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics as of now."""
        # Read each status once: it is expensive, and there may be a thousand breakers.
        breakers = [BreakerSample(breaker, breaker.status()) for breaker in self._registry]
        yield from breaker_families(self._figures(breakers))
        yield _memory(breakers)
        yield _baseline(breakers)
        yield _load(breakers)
        yield from shadow_families(_shadows(breakers))
        yield from configuration_families(self._registry.config, self._drift())
        yield CounterMetricFamily(
            "breakerd_log_records_dropped",
            "Log records dropped because the output was blocked.",
            value=dropped_records(),
        )
        yield _parts(self._not_running())
        if self._alerting is not None:
            yield from _alerts(self._alerting)
        if self._fleet is not None and self._fleet.in_force:
            yield from fleet_metrics(self._fleet.hub())

    def _figures(self, breakers: "Samples") -> dict[str, Figures]:
        """Return the figures of each breaker: of the host's processes, or of this one."""
        found = self._views.host_figures() if self._views is not None else None
        sums = {} if found is None else dict(found)
        for breaker, _ in breakers:
            if breaker.name not in sums:
                sums[breaker.name] = read_figures(breaker)
        return sums

    def _drift_of_file(self) -> list[DriftedKey]:
        config = self._registry.config
        return drift_of_file(config).found() if config is not None else []


class BreakerSample(NamedTuple):
    """Readings of one breaker for all its metrics."""

    breaker: Breaker
    status: Status


Samples = list[BreakerSample]


def _shadows(breakers: Samples) -> dict[str, ShadowReport]:
    found = ((breaker.name, status["shadow"]) for breaker, status in breakers)
    return {name: report for name, report in found if report is not None}


def _memory(breakers: Samples) -> Metric:
    family = GaugeMetricFamily(
        "breaker_memory_usage_ratio",
        "Used fraction of the memory limit; absent if unknown.",
        labels=["breaker"],
    )
    for breaker, status in breakers:
        if status["memory_known"]:
            family.add_metric([breaker.name], status["memory_usage_percent"] / 100)
    return family


def _baseline(breakers: Samples) -> Metric:
    family = GaugeMetricFamily(
        "breaker_baseline",
        "Learnt baseline of calls: calls per second, fractions, seconds, and calls.",
        labels=["breaker", "quantity", "scale", "statistic"],
    )
    for breaker, status in breakers:
        for quantity, scales in status["baseline"]["series"].items():
            for scale, series in scales.items():
                labels = [breaker.name, quantity, scale]
                family.add_metric([*labels, "mean"], series["mean"])
                family.add_metric([*labels, "deviation"], series["deviation"])
                family.add_metric([*labels, "p99"], series["p99"])
    return family


def _load(breakers: Samples) -> Metric:
    """Omit what is not watched or unknown, so that it is not taken for zero."""
    family = GaugeMetricFamily(
        "breaker_load",
        "Load of the machine, if watched: pressures as fractions of time, load average per CPU, "
        "event loop lag in seconds.",
        labels=["breaker", "figure"],
    )
    for breaker, status in breakers:
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


def _parts(not_running: Mapping[str, str]) -> Metric:
    family = GaugeMetricFamily(
        "breakerd_part_running",
        "0 for a part that was asked for and does not run in this process; else 1.",
        labels=["part"],
    )
    for part in sorted({*PARTS, *not_running}):
        family.add_metric([part], part not in not_running)
    return family


def _alerts(alerting: "Alerting") -> Iterator[Metric]:
    stats = alerting.stats()
    deliveries = CounterMetricFamily(
        "breakerd_alerts",
        "Deliveries to alert receivers by outcome.",
        labels=["receiver", "outcome"],
    )
    for (receiver, outcome), count in stats.counts.items():
        deliveries.add_metric([receiver, outcome], count)
    yield deliveries
    yield GaugeMetricFamily(
        "breakerd_alerts_pending",
        "Incidents with undelivered steps.",
        value=stats.pending,
    )
    yield GaugeMetricFamily(
        "breakerd_alert_oldest_pending_seconds",
        "Age of the oldest incident with undelivered steps.",
        value=stats.oldest_pending_seconds,
    )
    yield _by_receiver(
        "breakerd_alerts_dead_letters",
        "Alerts with dead letters that were neither retried nor discarded.",
        stats.dead_letters,
    )
    yield _by_receiver(
        "breakerd_alerts_last_success_timestamp_seconds",
        "Unix time of the last successful delivery; absent before the first.",
        {receiver: at for receiver, at in stats.last_success.items() if at},
    )
    yield _by_receiver(
        "breakerd_heartbeat_last_success_timestamp_seconds",
        "Unix time of the last successful heartbeat; 0 if there was none.",
        stats.last_heartbeat,
    )
    yield from _rounds(stats.last_round, stalled=stats.stalled)


def _rounds(last_round: float, *, stalled: bool) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "breakerd_alerting_last_round_timestamp_seconds",
        "Unix time of the last completed round of alerting; 0 if there was none.",
        value=last_round,
    )
    yield GaugeMetricFamily(
        "breakerd_alerting_stalled",
        "1 if alerting has stopped running: no round for 30 s, or a delivery that hangs; else 0.",
        value=stalled,
    )


def _by_receiver(name: str, description: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, description, labels=["receiver"])
    for receiver, value in values.items():
        family.add_metric([receiver], value)
    return family
