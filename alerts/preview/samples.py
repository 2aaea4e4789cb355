"""Sample facts of each kind of alert, for previews. All figures are made up."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, Final, cast

from breakerd.alerts.model.content import AlertContext
from breakerd.breaker.breaker import Breaker
from breakerd.breaker.events.events import Evidence, Signal, Transition
from breakerd.breaker.runtime.status_types import Status
from breakerd.breaker.settings import Settings
from breakerd.breaker.states import Reason, State

AGE: Final = 21.0
"""Seconds that a sample incident lasts so far."""
_FAST: Final = [88, 92, 97, 101, 95, 110, 104, 93, 99, 120] * 2
_SLOW: Final = [*_FAST, 180, 240, 390, 520, 640, 700, 760, 810, 870, 912, 905, 912]
_OPEN: Final[dict[str, Any]] = {
    "state": "OPEN",
    "triggered": True,
    "recovery": {"phase": "wait", "share": 0.0, "seconds_left": 9.0, "probes_in_flight": 0},
}


def sample(name: str, breaker: str, now: float) -> AlertContext:
    """Return the facts of a sample.

    Args:
        name: one of `SAMPLES`.
        breaker: name of the breaker.
        now: seconds since the epoch.

    Raises:
        KeyError: there is no sample of that name.
    """
    return SAMPLES[name](breaker, now)


def _facts(
    breaker: str,
    now: float,
    kind: str,
    evidence: Evidence | None,
    reason: str = "",
    note: str = "",
    **status: Any,
) -> AlertContext:
    made = {
        **_base(),
        "name": breaker,
        "window_calls": 64,
        "recent_latencies_ms": _FAST,
        "current_percentile_ms": 118,
        "current_percentile_exact_ms": 118.0,
        "latency_threshold_ms": 600,
        "in_flight": 18,
        "trend": "flat",
        "memory_known": True,
        "memory_usage_percent": 52.0,
        "latency_ok": kind != "latency",
        **status,
    }
    opened = made["state"] in {"OPEN", "FORCED_OPEN", "HALF_OPEN"}
    event = Transition(
        breaker=breaker,
        at=now - AGE,
        monotonic=0.0,
        from_state=State.CLOSED,
        to_state=State(cast("str", made["state"])),
        reason=Reason(reason or "latency"),
        note=note,
    )
    return AlertContext(
        kind=kind,
        drill=False,
        reason=reason or kind,
        note=note,
        evidence=(evidence,) if evidence else (),
        status=cast("Status", made),
        transitions=(event,) if opened else (),
        process="sample",
        at=now,
    )


@cache
def _base() -> Status:
    """Return the status of a breaker that has seen no call."""
    return Breaker(Settings(), name="sample", clock=lambda: 0.0, memory=lambda: 0.52).status()


def _errors(breaker: str, now: float) -> AlertContext:
    evidence = Evidence(
        signal=Signal.ERRORS, value=0.45, threshold=0.05, unit="fraction", samples=64
    )
    return _facts(
        breaker, now, "open", evidence, "errors", error_rate=0.45, error_threshold=0.05, **_OPEN
    )


def _latency(breaker: str, now: float) -> AlertContext:
    return _facts(breaker, now, "open", _LATENCY, "latency", **_MEASURED, **_OPEN)


def _hang(breaker: str, now: float) -> AlertContext:
    evidence = Evidence(
        signal=Signal.LATENCY,
        value=31_000,
        threshold=600,
        unit="ms",
        samples=2142,
        detail={"hung_calls": 2142, "in_flight": 2142, "last_return_s": 31.0},
    )
    status: dict[str, Any] = {
        **_OPEN,
        "window_calls": 0,
        "recent_latencies_ms": [],
        "current_percentile_ms": 0,
        "current_percentile_exact_ms": None,
        "trend": None,
        "hung_calls": 2142,
        "in_flight": 2142,
    }
    return _facts(breaker, now, "open", evidence, "latency", **status)


def _memory(breaker: str, now: float) -> AlertContext:
    return _facts(breaker, now, "open", _MEMORY, "memory", **_FULL, **_OPEN)


def _machine(breaker: str, now: float) -> AlertContext:
    return _facts(breaker, now, "open", _LOAD, "load", **_loaded(rejects=True), **_OPEN)


def _operator(breaker: str, now: float) -> AlertContext:
    state: dict[str, Any] = {**_OPEN, "state": "FORCED_OPEN", "recovery": None}
    return _facts(breaker, now, "open", None, "operator", "ada: deploying", **state)


def _restart(breaker: str, now: float) -> AlertContext:
    return _facts(
        breaker, now, "open", None, "latency", window_calls=0, recent_latencies_ms=[], **_OPEN
    )


def _slow(breaker: str, now: float) -> AlertContext:
    return _facts(breaker, now, "latency", _LATENCY, **_MEASURED)


def _memory_high(breaker: str, now: float) -> AlertContext:
    return _facts(breaker, now, "memory", _MEMORY, **_FULL)


def _overload(breaker: str, now: float) -> AlertContext:
    evidence = Evidence(signal=Signal.OVERLOAD, value=33, threshold=18, unit="calls")
    limiter = {"limit": 18.0, "shedding": True, "rejected": 412, "phase": "QUEUEING"}
    return _facts(breaker, now, "degraded", evidence, limiter=limiter)


def _service_level(breaker: str, now: float) -> AlertContext:
    slo = {
        "stated_success_rate": 0.99,
        "timeout_seconds": 2,
        "observed_success_rate": 0.55,
        "missed": True,
        "burn_rate_10s": 45.0,
        "burn_rate_5min": 20.0,
        "estimate": None,
    }
    evidence = Evidence(signal=Signal.SLO, value=0.2, threshold=0.01, unit="fraction", samples=400)
    return _facts(breaker, now, "degraded", evidence, slo=slo, error_rate=0.45)


def _anomaly(breaker: str, now: float) -> AlertContext:
    evidence = Evidence(
        signal=Signal.ANOMALY,
        value=310,
        threshold=95,
        unit="ms",
        samples=120,
        detail={"what": "calls are slow and pile up"},
    )
    return _facts(breaker, now, "degraded", evidence, **_MEASURED)


def _machine_load(breaker: str, now: float) -> AlertContext:
    return _facts(breaker, now, "degraded", _LOAD, **_loaded(rejects=False))


def _drill(breaker: str, now: float) -> AlertContext:
    return replace(_latency(breaker, now), drill=True)


def _loaded(*, rejects: bool) -> dict[str, Any]:
    load = {"ok": False, "rejects": rejects, "severity": 1.6, "cpu_pressure_percent": 64.0}
    return {"load": load}


_LATENCY: Final = Evidence(
    signal=Signal.LATENCY,
    value=912,
    threshold=600,
    unit="ms",
    samples=64,
    detail={"percentile_name": "p95", "trend": "rising"},
)
_MEMORY: Final = Evidence(signal=Signal.MEMORY, value=91, threshold=80, unit="%")
_LOAD: Final = Evidence(
    signal=Signal.LOAD, value=64, threshold=40, unit="%", detail={"what": "CPU pressure"}
)
_MEASURED: Final[dict[str, Any]] = {
    "recent_latencies_ms": _SLOW,
    "current_percentile_ms": 912,
    "current_percentile_exact_ms": 912.0,
    "trend": "rising",
    "trend_slope_percent_per_call": 2.1,
}
_FULL: Final[dict[str, Any]] = {"memory_usage_percent": 91.0, "memory_ok": False}

SAMPLES: Final[dict[str, Callable[[str, float], AlertContext]]] = {
    "open": _errors,
    "memory": _memory_high,
    "latency": _slow,
    "degraded": _service_level,
    "open-by-latency": _latency,
    "open-by-errors": _errors,
    "open-by-hang": _hang,
    "open-by-memory": _memory,
    "open-by-load": _machine,
    "opened-by-operator": _operator,
    "open-since-restart": _restart,
    "overload": _overload,
    "service-level": _service_level,
    "anomaly": _anomaly,
    "machine-load": _machine_load,
    "drill": _drill,
}
"""Samples by name: the kinds of alerts, and the topics of the runbook."""
