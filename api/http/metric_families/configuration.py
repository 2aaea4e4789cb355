"""Metrics of the configuration file: its reloads, and how its edits are noticed."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from breakerd.breaker.config import ConfigFile
from breakerd.breaker.config_log.drift import CAUSES, DriftedKey

_STARTED: Final = time.time()
"""Unix time of the start, in seconds."""


def configuration_families(
    config: ConfigFile | None, drift: Iterable[DriftedKey] = ()
) -> Iterator[Metric]:
    """Yield the metrics of the file, and of what is in force without it.

    Args:
        config: the file; None: built-in settings, which count as applied at the start.
        drift: keys whose value in force is not the file's.
    """
    yield GaugeMetricFamily(
        "breakerd_config_last_reload_successful",
        "1 if the configuration file is in force, 0 if it was rejected.",
        value=config is None or config.status.successful,
    )
    yield GaugeMetricFamily(
        "breakerd_config_last_reload_success_timestamp_seconds",
        "Unix time at which the configuration in force was read.",
        value=_STARTED if config is None else config.status.last_success_at,
    )
    yield _drift(drift)
    if config is not None:
        yield _reloads(config)
        yield _watched(config)


def _drift(drift: Iterable[DriftedKey]) -> Metric:
    numbers = Counter(each.cause for each in drift)
    family = GaugeMetricFamily(
        "breakerd_config_drift",
        "Keys whose value in force is not the file's, by cause.",
        labels=["cause"],
    )
    for cause in CAUSES:
        family.add_metric([cause.value], numbers[cause])
    return family


def _reloads(config: ConfigFile) -> Metric:
    family = CounterMetricFamily(
        "breakerd_config_reloads",
        "Reloads of the configuration file in this process: applied, refused, or unchanged.",
        labels=["outcome"],
    )
    for outcome, count in asdict(config.outcomes.counts).items():
        family.add_metric([outcome], count)
    return family


def _watched(config: ConfigFile) -> Metric:
    family = GaugeMetricFamily(
        "breakerd_config_watched",
        "How edits of the configuration file are noticed: 1 for events, polling or nothing.",
        labels=["by"],
    )
    report = config.watch_report
    for way in ("events", "polling", "nothing"):
        family.add_metric([way], report.by == way and not report.problem)
    return family
