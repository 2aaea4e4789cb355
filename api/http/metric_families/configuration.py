"""Metrics of the configuration file: its reloads, and how its edits are noticed."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from breakerd.breaker.config import ConfigFile

_STARTED: Final = time.time()
"""Unix time of the start, in seconds."""


def configuration_families(config: ConfigFile | None) -> Iterator[Metric]:
    """Yield the file's metrics; None: built-in settings, which count as applied at the start."""
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
    if config is not None:
        yield _reloads(config)
        yield _watched(config)


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
