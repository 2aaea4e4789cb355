"""Metrics of the fleet, as the process that is scraped sees it."""

import math
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric

from breakerd.breaker.fleet.runtime.hub_report import HubReport


def fleet_metrics(hub: HubReport) -> Iterator[Metric]:
    """Yield the metrics of the hub, and of the exchanges with it."""
    yield GaugeMetricFamily(
        "breakerd_fleet_hub_up",
        "1 if the hub answers, 0 if each process decides alone.",
        value=hub.up,
    )
    members = GaugeMetricFamily(
        "breakerd_fleet_members",
        "Processes of the fleet by state; absent while the hub is away.",
        labels=["state"],
    )
    if hub.up:
        members.add_metric(["live"], hub.members)
        members.add_metric(["silent"], hub.silent)
    yield members
    exchanges = HistogramMetricFamily(
        "breakerd_fleet_exchange_seconds", "Duration of exchanges with the hub."
    )
    if hub.exchanges:
        buckets = [
            ("+Inf" if bound == math.inf else str(bound), count) for bound, count in hub.exchanges
        ]
        exchanges.add_metric([], buckets, hub.exchange_seconds)
    yield exchanges
