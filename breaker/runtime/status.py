"""What a breaker says of itself: go-breaker's keys, and ours beside them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypedDict

from breakerd.breaker.baseline.report import BaselineReport
from breakerd.breaker.baseline.report import report as describe_baseline
from breakerd.breaker.baseline.series import Scale
from breakerd.breaker.baseline.slo_estimate import estimate
from breakerd.breaker.context import Priority
from breakerd.breaker.events.events import Signal
from breakerd.breaker.signals.trend import TREND_SAMPLES, TRIPPING_TRENDS, Trend
from breakerd.breaker.signals.trend import describe as describe_trend
from breakerd.breaker.states import REJECTING, Reason, State

if TYPE_CHECKING:
    from breakerd.breaker.breaker import Breaker
    from breakerd.breaker.calls.counters import Counters
    from breakerd.breaker.engine.engine import Engine
    from breakerd.breaker.events.events import Evidence

RECENT_CALLS: Final = 1000
"""At most so many latencies are listed, the newest."""

_MIB: Final = 1024 * 1024


class EvidenceReport(TypedDict):
    """An `Evidence`, with its sentence."""

    signal: str
    value: float
    threshold: float
    unit: str
    samples: int
    detail: dict[str, str | float | int | bool]
    sentence: str


class RecoveryReport(TypedDict):
    """How far the way back has come."""

    phase: str
    share: float
    probes_in_flight: int
    lost_probes: int
    failed_recoveries: int
    seconds_left: float


class CallsReport(TypedDict):
    """Calls since the breaker was made."""

    success: int
    error: int
    rejected: int


class RevisedReport(TypedDict):
    """The service level that is really kept."""

    success_rate: float
    timeout_seconds: float


class SloReport(TypedDict):
    """The stated service level, what the window shows of it, and what is really kept.

    A burn rate of 1 fails exactly as many calls as the level allows. `revised` is None until enough
    is known.
    """

    stated_success_rate: float
    timeout_seconds: float
    observed_success_rate: float | None
    missed: bool
    burn_rate_10s: float
    burn_rate_5min: float
    revised: RevisedReport | None


class LoadReport(TypedDict):
    """The machine's load at the last reading, where it is watched; None is what is not known.

    `severity` is the worst watched figure as a multiple of its threshold; `rejects` says whether
    all calls are rejected for it.
    """

    ok: bool
    rejects: bool
    severity: float
    cpu_pressure_percent: float | None
    memory_pressure_percent: float | None
    io_pressure_percent: float | None
    load_per_cpu: float | None
    loop_lag_ms: float | None


class LimiterReport(TypedDict):
    """The concurrency limit, and what it is led by."""

    phase: str
    limit: float | None
    shedding: bool
    rejected: int
    throughput_per_second: float
    latency_ms: float
    normal_latency_ms: float | None
    normal_in_flight: float
    knee: float
    priority_shares: dict[str, float]


class ConfigReport(TypedDict):
    """The file the settings come from, and how its last reading went."""

    file: str
    last_reload_successful: bool
    problems: list[str]


class Status(TypedDict):
    """A breaker's state and what it is based on; units are in the names.

    The first nineteen keys are go-breaker's, and whole numbers where its clients read integers.
    """

    enabled: bool
    triggered: bool
    last_trip_time: str | None
    memory_ok: bool
    current_memory_usage_mb: int
    memory_threshold_percent: float
    total_memory_mb: int
    memory_usage_percent: float
    latency_ok: bool
    current_percentile_ms: int
    latency_threshold_ms: float
    latency_percent_of_threshold: float
    percentile_value: float
    latency_window_size: int
    wait_time_seconds: float
    recent_latencies_ms: list[int]
    trend_analysis_enabled: bool
    trend_analysis_min_sample_count: int
    has_positive_trend: bool
    name: str
    state: str
    would_be_state: str | None
    reason: str | None
    note: str
    drill: bool
    retry_after_seconds: float
    evidence: list[EvidenceReport]
    trend: str | None
    trend_slope_percent_per_call: float
    window_calls: int
    current_percentile_exact_ms: float
    error_rate: float
    error_threshold: float | None
    slo: SloReport | None
    anomaly: EvidenceReport | None
    baseline: BaselineReport
    in_flight: int
    limiter: LimiterReport | None
    load: LoadReport | None
    recovery: RecoveryReport | None
    calls: CallsReport
    would_reject: int
    generation: int
    memory_known: bool
    memory_usage_bytes: int
    memory_limit_bytes: int
    config: ConfigReport | None


def whole(number: float) -> float:
    """A whole number as an int, so that it is written without a fraction."""
    return int(number) if float(number).is_integer() else number


def report(evidence: Evidence) -> EvidenceReport:
    """`evidence` as JSON-able data."""
    return EvidenceReport(
        signal=evidence.signal.value,
        value=evidence.value,
        threshold=evidence.threshold,
        unit=evidence.unit,
        samples=evidence.samples,
        detail=dict(evidence.detail),
        sentence=evidence.sentence(),
    )


def describe(breaker: Breaker, engine: Engine, counters: Counters, now: float) -> Status:
    """The status of `breaker`; its lock is held."""
    settings, machine, window = engine.settings, engine.machine, engine.window
    milliseconds = [seconds * 1000 for seconds in window.durations(RECENT_CALLS)]
    trend = _trend(milliseconds, settings.latency_threshold)
    percentile = window.percentile() * 1000
    reading = breaker.memory_reading()
    rejecting = machine.state in REJECTING or machine.automatic in REJECTING
    return Status(
        enabled=breaker.enabled,
        triggered=breaker.triggered,
        last_trip_time=_rfc3339(engine.last_trip),
        memory_ok=breaker.memory_ok,
        current_memory_usage_mb=reading.used // _MIB if reading else 0,
        memory_threshold_percent=settings.memory_threshold,
        total_memory_mb=reading.total // _MIB if reading else 0,
        memory_usage_percent=round((engine.memory.utilization or 0.0) * 100, 2),
        latency_ok=not engine.latency.breached(window),
        current_percentile_ms=round(percentile),
        latency_threshold_ms=whole(settings.latency_threshold),
        latency_percent_of_threshold=round(percentile / settings.latency_threshold * 100, 2),
        percentile_value=settings.percentile,
        latency_window_size=settings.latency_window_size,
        wait_time_seconds=whole(settings.wait_time),
        recent_latencies_ms=[round(value) for value in milliseconds],
        trend_analysis_enabled=settings.trend_analysis_enabled,
        trend_analysis_min_sample_count=settings.trend_analysis_min_sample_count,
        has_positive_trend=trend is not None and trend.kind in TRIPPING_TRENDS,
        name=breaker.name,
        state=machine.state.value,
        would_be_state=machine.automatic.value if machine.mode is State.OBSERVE else None,
        reason=_reason(engine) if rejecting else None,
        note=engine.note if rejecting else "",
        drill=engine.drill,
        retry_after_seconds=round(_seconds_left(machine.deadline, now), 3),
        evidence=[report(evidence) for evidence in engine.evidence] if rejecting else [],
        trend=trend.kind.value if trend else None,
        trend_slope_percent_per_call=round(trend.slope * 100, 3) if trend else 0.0,
        window_calls=len(window),
        current_percentile_exact_ms=round(percentile, 3),
        error_rate=round(window.failure_count / len(window), 6) if len(window) else 0.0,
        error_threshold=settings.error_threshold,
        slo=_slo(engine, now),
        anomaly=report(anomaly) if (anomaly := engine.breach(Signal.ANOMALY)) else None,
        baseline=describe_baseline(engine.baseline, now),
        in_flight=counters.in_flight,
        limiter=_limiter(engine),
        load=_load(engine),
        recovery=_recovery(engine, now),
        calls=CallsReport(
            success=counters.success, error=counters.error, rejected=counters.rejected
        ),
        would_reject=counters.would_reject,
        generation=machine.generation,
        memory_known=engine.memory.utilization is not None,
        memory_usage_bytes=reading.used if reading else 0,
        memory_limit_bytes=reading.limit if reading else -1,
        config=breaker.config_report(),
    )


def _trend(milliseconds: list[float], threshold: float) -> Trend | None:
    return describe_trend(milliseconds[-TREND_SAMPLES:], threshold) if milliseconds else None


def _reason(engine: Engine) -> Reason:
    return Reason.OPERATOR if engine.machine.mode is State.FORCED_OPEN else engine.trip_reason


def _slo(engine: Engine, now: float) -> SloReport | None:
    slo, window = engine.settings.slo, engine.window
    if slo is None:
        return None
    kept = estimate(engine.baseline, slo, now)
    return SloReport(
        stated_success_rate=slo.success_rate,
        timeout_seconds=whole(slo.timeout),
        observed_success_rate=round(1 - window.failure_count / len(window), 6)
        if len(window)
        else None,
        missed=engine.breach(Signal.SLO) is not None,
        burn_rate_10s=round(engine.burn.burn_rate(engine.baseline, Scale.SECONDS), 3),
        burn_rate_5min=round(engine.burn.burn_rate(engine.baseline, Scale.MINUTES), 3),
        revised=RevisedReport(success_rate=kept.success_rate, timeout_seconds=kept.timeout)
        if kept
        else None,
    )


def _load(engine: Engine) -> LoadReport | None:
    load, reading = engine.load, engine.load.reading
    if not load.enabled:
        return None
    return LoadReport(
        ok=not load.breached,
        rejects=load.rejects,
        severity=round(load.severity, 3),
        cpu_pressure_percent=_rounded(reading.cpu_pressure),
        memory_pressure_percent=_rounded(reading.memory_pressure),
        io_pressure_percent=_rounded(reading.io_pressure),
        load_per_cpu=_rounded(reading.load_per_cpu),
        loop_lag_ms=None if load.lag is None else round(load.lag * 1000, 1),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _limiter(engine: Engine) -> LimiterReport | None:
    shedding = engine.shedding
    limiter = shedding.limiter
    if limiter is None:
        return None
    normal = limiter.reference
    return LimiterReport(
        phase=limiter.phase.value,
        limit=round(shedding.limit, 1) if math.isfinite(shedding.limit) else None,
        shedding=shedding.overloaded,
        rejected=shedding.rejected,
        throughput_per_second=round(limiter.throughput, 2),
        latency_ms=round(limiter.latency * 1000, 3),
        normal_latency_ms=round(normal.latency * 1000, 3) if normal.ready else None,
        normal_in_flight=round(normal.in_flight, 2),
        knee=round(normal.knee, 1),
        priority_shares={
            priority.name.lower(): round(shedding.priority_shares[priority], 3)
            for priority in Priority
        },
    )


def _recovery(engine: Engine, now: float) -> RecoveryReport | None:
    if engine.machine.automatic not in {State.OPEN, State.HALF_OPEN}:
        return None
    recovery = engine.machine.recovery
    return RecoveryReport(
        phase=recovery.phase.value,
        share=recovery.share,
        probes_in_flight=recovery.probes_in_flight,
        lost_probes=recovery.lost_probes,
        failed_recoveries=recovery.failures,
        seconds_left=round(_seconds_left(engine.machine.deadline, now), 3),
    )


def _seconds_left(deadline: float, now: float) -> float:
    return max(0.0, deadline - now) if math.isfinite(deadline) else 0.0


def _rfc3339(timestamp: float | None) -> str | None:
    if timestamp is None:
        return None
    return datetime.fromtimestamp(timestamp, UTC).isoformat().replace("+00:00", "Z")
