"""Describe a breaker's state: go-breaker's keys, and more beside them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from breakerd.breaker.baseline.report import report as describe_baseline
from breakerd.breaker.baseline.series import Scale
from breakerd.breaker.baseline.slo_estimate import estimate
from breakerd.breaker.context import Priority
from breakerd.breaker.engine.current_evidence import current_evidence, trip_evidence
from breakerd.breaker.events.events import Signal
from breakerd.breaker.runtime.status_types import (
    CallsReport,
    ChangeReport,
    EstimateReport,
    EvidenceReport,
    LimiterReport,
    LoadReport,
    RecoveryReport,
    SloReport,
    Status,
)
from breakerd.breaker.signals.trend import TREND_SAMPLES, TRIPPING_TRENDS, Trend
from breakerd.breaker.signals.trend import describe as describe_trend
from breakerd.breaker.states import REJECTING, Reason, State

if TYPE_CHECKING:
    from breakerd.breaker.calls.counters import Counters
    from breakerd.breaker.engine.engine import Engine
    from breakerd.breaker.engine.transitions import Changed
    from breakerd.breaker.events.events import Evidence
    from breakerd.breaker.host.memory import MemoryReading
    from breakerd.breaker.runtime.status_types import ConfigReport

RECENT_CALLS: Final = 1000
"""Maximum number of latencies listed, the newest."""

_MIB: Final = 1024 * 1024


def whole(number: float) -> float:
    """Return a whole number as an int, so that it is written without a fraction."""
    return int(number) if float(number).is_integer() else number


def report(evidence: Evidence) -> EvidenceReport:
    """Return `evidence` as JSON-able data."""
    return EvidenceReport(
        signal=evidence.signal.value,
        value=evidence.value,
        threshold=evidence.threshold,
        unit=evidence.unit,
        samples=evidence.samples,
        detail=dict(evidence.detail),
        sentence=evidence.sentence(),
    )


def describe(
    engine: Engine,
    counters: Counters,
    now: float,
    reading: MemoryReading | None,
    config: ConfigReport | None,
    not_running: dict[str, str],
) -> Status:
    """Return the status of the breaker of `engine`; its lock is held.

    Args:
        engine: engine of the breaker.
        counters: totals of its calls.
        now: time in seconds of the breaker's clock.
        reading: memory in bytes, read before.
        config: what is known of its file.
        not_running: parts that were asked for and do not run, with a sentence each.
    """
    settings, machine, window = engine.settings, engine.machine, engine.window
    window.expire(now)
    milliseconds = [seconds * 1000 for seconds in window.durations(RECENT_CALLS)]
    trend = _trend(milliseconds, settings.latency_threshold)
    percentile = window.percentile() * 1000
    rejecting = machine.state in REJECTING or machine.decided in REJECTING
    return Status(
        enabled=machine.override is not State.DISABLED,
        triggered=machine.state in REJECTING,
        last_trip_time=_rfc3339(engine.transitions.last_trip.at),
        memory_ok=not engine.memory.breached,
        current_memory_usage_mb=reading.used // _MIB if reading else 0,
        memory_threshold_percent=settings.memory_threshold,
        total_memory_mb=reading.total // _MIB if reading else 0,
        memory_usage_percent=round((engine.memory.utilization or 0.0) * 100, 2),
        latency_ok=engine.judge.latency_ok,
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
        name=engine.name,
        state=machine.state.value,
        would_be_state=machine.decided.value if machine.override is State.OBSERVE else None,
        reason=_reason(engine) if rejecting else None,
        note=engine.transitions.last_trip.note if rejecting else "",
        note_by=engine.transitions.last_trip.actor if rejecting else "",
        last_transition=_change(engine.transitions.last_change),
        drill=engine.events.drill,
        retry_after_seconds=round(_seconds_left(machine.deadline, now), 3),
        evidence=[report(each) for each in trip_evidence(engine)] if rejecting else [],
        breaches=[report(each) for each in current_evidence(engine)],
        hung_calls=engine.judge.hang.calls,
        trend=trend.kind.value if trend else None,
        trend_slope_percent_per_call=round(trend.slope * 100, 3) if trend else 0.0,
        window_calls=len(window),
        current_percentile_exact_ms=round(percentile, 3) if len(window) else None,
        error_rate=round(window.failure_count / len(window), 6) if len(window) else 0.0,
        error_threshold=settings.max_error_rate,
        slo=_slo(engine, now),
        anomaly=_anomaly(engine),
        baseline=describe_baseline(engine.baseline, now),
        in_flight=counters.in_flight,
        limiter=_limiter(engine),
        load=_load(engine),
        recovery=_recovery(engine, now),
        calls=CallsReport(
            success=counters.success,
            error=counters.error,
            abandoned=counters.abandoned,
            rejected=counters.rejected,
        ),
        would_reject=counters.would_reject,
        shadow=None,
        generation=machine.generation,
        memory_known=engine.memory.utilization is not None,
        memory_usage_bytes=reading.used if reading else 0,
        memory_limit_bytes=reading.limit if reading else -1,
        config=config,
        not_running=not_running,
    )


def _change(change: Changed | None) -> ChangeReport | None:
    if change is None:
        return None
    return ChangeReport(
        at=_rfc3339(change.at) or "",
        from_state=change.from_state.value,
        to_state=change.to_state.value,
        reason=change.reason.value,
        note=change.remark.note,
        by=change.remark.actor,
    )


def _anomaly(engine: Engine) -> EvidenceReport | None:
    if Signal.ANOMALY not in engine.breaches:
        return None
    return report(engine.anomaly.evidence(engine.baseline))


def _trend(milliseconds: list[float], threshold: float) -> Trend | None:
    return describe_trend(milliseconds[-TREND_SAMPLES:], threshold) if milliseconds else None


def _reason(engine: Engine) -> Reason:
    return (
        Reason.OPERATOR
        if engine.machine.override is State.FORCED_OPEN
        else engine.transitions.last_trip.reason
    )


def _slo(engine: Engine, now: float) -> SloReport | None:
    slo, window = engine.settings.slo, engine.window
    if slo is None:
        return None
    kept, burn = estimate(engine.baseline, slo, now), engine.judge.burn
    return SloReport(
        stated_success_rate=slo.success_rate,
        timeout_seconds=whole(slo.timeout),
        observed_success_rate=round(1 - window.failure_count / len(window), 6)
        if len(window)
        else None,
        budget=round(burn.budget, 6),
        missed=engine.breaches.get(Signal.SLO) is not None,
        failing_share_10s=round(burn.failing_share(engine.baseline, Scale.SECONDS), 6),
        failing_share_5min=round(burn.failing_share(engine.baseline, Scale.MINUTES), 6),
        burn_rate_10s=round(burn.burn_rate(engine.baseline, Scale.SECONDS), 3),
        burn_rate_5min=round(burn.burn_rate(engine.baseline, Scale.MINUTES), 3),
        estimate=EstimateReport(success_rate=kept.success_rate, timeout_seconds=kept.timeout)
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
    shedding = engine.shedder
    limiter = shedding.limiter
    if limiter is None:
        return None
    normal = limiter.reference
    return LimiterReport(
        phase=limiter.phase.value,
        limit=round(shedding.limit, 1) if math.isfinite(shedding.limit) else None,
        shedding=shedding.overloaded or engine.overload.capped,
        rejected=shedding.rejected,
        shed_share=_rounded(engine.overload.shed_share),
        wanted=round(engine.overload.wanted, 1),
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
    if engine.machine.decided not in {State.OPEN, State.HALF_OPEN}:
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
