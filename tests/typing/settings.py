"""Types of settings. Checked by mypy in strict mode, never run."""

from __future__ import annotations

from typing import assert_type

from breakerd import LimiterSettings, LoadSettings, RecoverySettings, Settings, Slo


def fields(settings: Settings) -> None:
    assert_type(settings.latency_threshold, float)
    assert_type(settings.latency_window_size, int)
    assert_type(settings.percentile, float)
    assert_type(settings.memory_threshold, float)
    assert_type(settings.wait_time, float)
    assert_type(settings.minimum_calls, int)
    assert_type(settings.error_threshold, float | None)
    assert_type(settings.trend_analysis_enabled, bool)
    assert_type(settings.slo, Slo | None)
    assert_type(settings.recovery, RecoverySettings)
    assert_type(settings.limiter, LimiterSettings)
    assert_type(settings.load, LoadSettings)
    settings.percentile = 0.5  # type: ignore[misc]


def level(slo: Slo) -> None:
    assert_type(slo.success_rate, float)
    assert_type(slo.timeout, float)


def made() -> None:
    Settings(latency_threshold=600, slo=Slo(success_rate=0.95, timeout=2))
    Settings(latency_treshold=600)  # type: ignore[call-arg]
    Settings(latency_threshold="600")  # type: ignore[arg-type]
    Slo(succes_rate=0.95)  # type: ignore[call-arg]
    Slo(success_rate="0.95")  # type: ignore[arg-type]
