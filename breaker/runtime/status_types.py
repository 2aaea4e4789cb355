"""Types of `Breaker.status()`: JSON-able, with units in the names."""

from typing import TypedDict

from breakerd.breaker.baseline.report import BaselineReport
from breakerd.breaker.shadow.report import ShadowReport


class EvidenceReport(TypedDict):
    """An `Evidence` with its sentence."""

    signal: str
    value: float
    threshold: float
    unit: str
    samples: int
    detail: dict[str, str | float | int | bool]
    sentence: str


class RecoveryReport(TypedDict):
    """Progress of the recovery."""

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
    abandoned: int
    rejected: int


class EstimateReport(TypedDict):
    """The service level that is really met."""

    success_rate: float
    timeout_seconds: float


class SloReport(TypedDict):
    """The stated service level, what the window shows of it, and what is really met.

    `budget` is the share of calls that may fail or time out, the failing shares are those that do
    lately. A burn rate of 1 fails exactly as many calls as the level allows. `estimate` is None
    until enough is known.
    """

    stated_success_rate: float
    timeout_seconds: float
    observed_success_rate: float | None
    budget: float
    missed: bool
    failing_share_10s: float
    failing_share_5min: float
    burn_rate_10s: float
    burn_rate_5min: float
    estimate: EstimateReport | None


class LoadReport(TypedDict):
    """The machine's load at the last reading; None where a figure is unknown.

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
    """The concurrency limit, and the measurements that lead it.

    `shed_share` is the share of calls that it rejected over about 10 s, None without calls;
    `wanted` is the number of calls that would be in flight without it.
    """

    phase: str
    limit: float | None
    shedding: bool
    rejected: int
    shed_share: float | None
    wanted: float
    throughput_per_second: float
    latency_ms: float
    normal_latency_ms: float | None
    normal_in_flight: float
    knee: float
    priority_shares: dict[str, float]


class ChangeReport(TypedDict):
    """The last change of state that calls met; `note` and `by` are an operator's, if given."""

    at: str
    from_state: str
    to_state: str
    reason: str
    note: str
    by: str


class DriftReport(TypedDict):
    """A key whose value in force is not the file's; an empty key is the file as a whole."""

    key: str
    cause: str
    text: str


class ConfigReport(TypedDict):
    """The file of the settings, the outcome of its last reload, and how it is watched.

    `watched_by` is `events`, `polling` or `nothing`; `watch_problem` is why edits are not seen
    although the file is watched, and empty if they are. `drift` is in force and not in the file.
    """

    file: str
    last_reload_successful: bool
    problems: list[str]
    drift: list[DriftReport]
    watched_by: str
    watch_problem: str


class Status(TypedDict):
    """State of a breaker, and the measurements behind it; units are in the names.

    The first nineteen keys are go-breaker's, and whole numbers where its clients read integers.
    `evidence` is what the breaker opened for, `breaches` what is beyond its threshold now.
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
    note_by: str
    last_transition: ChangeReport | None
    drill: bool
    retry_after_seconds: float
    evidence: list[EvidenceReport]
    breaches: list[EvidenceReport]
    hung_calls: int
    trend: str | None
    trend_slope_percent_per_call: float
    window_calls: int
    current_percentile_exact_ms: float | None
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
    shadow: ShadowReport | None
    generation: int
    memory_known: bool
    memory_usage_bytes: int
    memory_limit_bytes: int
    config: ConfigReport | None
    not_running: dict[str, str]
