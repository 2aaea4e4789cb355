"""Metrics of the configuration: what is in force and not in the file."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily

from breakerd.breaker.config_log.drift import CAUSES, DriftedKey


def drift_family(drift: Iterable[DriftedKey]) -> GaugeMetricFamily:
    """Return the number of keys by the cause of their drift; every cause is there."""
    numbers = Counter(each.cause for each in drift)
    family = GaugeMetricFamily(
        "breakerd_config_drift",
        "Keys whose value in force is not the file's, by cause.",
        labels=["cause"],
    )
    for cause in CAUSES:
        family.add_metric([cause.value], numbers[cause])
    return family
