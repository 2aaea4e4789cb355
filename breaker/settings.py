"""Every setting of a breaker: its name, meaning, unit, range and default, stated once.

The TOML check, the HTTP validation, the command line and the reference page are made from these
models. Models are frozen: a changed setting is a new `Settings`, validated in full before a live
breaker sees it.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


def setting(default: Any, help_text: str, *, unit: str = "", **limits: Any) -> Any:
    """A pydantic field with our unit in its JSON schema; `Any` is what pydantic's `Field` is."""
    return Field(default, description=help_text, json_schema_extra={"unit": unit}, **limits)


class SettingsModel(BaseModel):
    """What all settings have in common: exact names, exact types, finite numbers, no mutation."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )


Share = Annotated[float, Field(gt=0, lt=1)]


class RecoverySettings(SettingsModel):
    """How an open breaker finds its way back: wait, then probes, then a ramp (`[recovery]`)."""

    probes: int = setting(
        3,
        "Calls let through at once while half open; as many must go well before the ramp begins.",
        unit="calls",
        ge=1,
        le=1000,
    )
    probe_timeout: float = setting(
        30.0,
        "A probe that has not reported by then is taken for lost and frees its place.",
        unit="s",
        gt=0,
        le=3600,
    )
    ramp: tuple[Share, ...] = setting(
        (0.1, 0.25, 0.5),
        "Shares of the calls let in after the probes, step by step, before all are. "
        "Empty: no ramp.",
        unit="fraction",
        max_length=20,
        strict=False,
    )
    step_time: float = setting(
        1.0,
        "How long each step of the ramp must go well before the next.",
        unit="s",
        gt=0,
        le=3600,
    )
    max_wait_time: float = setting(
        120.0,
        "Each failed recovery doubles `wait_time`, up to this; a smaller value means no doubling.",
        unit="s",
        ge=0,
        le=86400,
    )


class Slo(SettingsModel):
    """A stated service level (`[slo]`): enough by itself, without thresholds."""

    success_rate: float = setting(
        ..., "Share of calls that should succeed within `timeout`.", unit="fraction", gt=0, lt=1
    )
    timeout: float = setting(..., "A call that takes longer has failed.", unit="s", gt=0, le=3600)
    warmup: float = setting(
        60.0,
        "How long, from its start, only what is hopeless or short of memory is rejected: the "
        "first calls meet cold caches.",
        unit="s",
        ge=0,
        le=86400,
    )


class LimiterSettings(SettingsModel):
    """A limit on the calls at once that finds its own size (`[limiter]`)."""

    enabled: bool = setting(
        False,
        "Hold calls back while more are under way than are answered in good time. What good time "
        "is says `timeout` of `[slo]`, else `latency_threshold`.",
    )
    min_limit: int = setting(1, "The limit never falls below.", unit="calls", ge=1, le=1_000_000)
    max_limit: int | None = setting(
        None,
        "The limit never rises above, even while all is well. Unset: then there is none.",
        unit="calls",
        ge=1,
        le=1_000_000,
    )


class LoadSettings(SettingsModel):
    """The machine's own load as a signal (`[load]`); what is unset is not watched."""

    cpu_pressure_threshold: float | None = setting(
        None,
        "Share of the last two seconds in which some task waited for a CPU.",
        unit="%",
        gt=0,
        le=100,
    )
    memory_pressure_threshold: float | None = setting(
        None,
        "Share of the last two seconds in which some task waited for memory to be reclaimed.",
        unit="%",
        gt=0,
        le=100,
    )
    io_pressure_threshold: float | None = setting(
        None,
        "Share of the last two seconds in which some task waited for input or output.",
        unit="%",
        gt=0,
        le=100,
    )
    load_threshold: float | None = setting(
        None,
        "Load average of the last minute by CPU that may be used. It is the host's.",
        unit="tasks per CPU",
        gt=0,
        le=10_000,
    )
    loop_lag_threshold: float | None = setting(
        None,
        "How late, as a mean of two seconds, a watched asyncio event loop may run what is due.",
        unit="ms",
        gt=0,
        le=60_000,
    )
    reject: bool = setting(
        False,
        "Open while a threshold is exceeded. Otherwise it is told, and the limiter, if it is on, "
        "lets fewer calls run at once.",
    )


class Settings(SettingsModel):
    """The settings of one breaker. Names and units are those of the TOML file."""

    memory_threshold: float = setting(
        80.0,
        "Share of the memory limit at which calls are rejected.",
        unit="%",
        gt=0,
        lt=100,
    )
    memory_hysteresis: float = setting(
        2.0,
        "How far below `memory_threshold` the use must fall before memory counts as good again.",
        unit="percentage points",
        ge=0,
        lt=100,
    )
    memory_check_interval: float = setting(
        0.5,
        "How often memory is read; by calls only while it is nearly short.",
        unit="s",
        ge=0.05,
        le=60,
    )
    latency_threshold: float = setting(
        1500, "Latency that the watched percentile must not exceed.", unit="ms", ge=5, le=86_400_000
    )
    latency_window_size: int = setting(
        64, "How many of the latest calls are watched.", unit="calls", ge=1, le=65536
    )
    latency_max_age: float = setting(
        60.0, "Calls that ended longer ago are no longer watched.", unit="s", gt=0, le=86400
    )
    minimum_calls: int = setting(
        10,
        "Calls the window must hold before latency or errors may trip; "
        "a smaller window counts as full.",
        unit="calls",
        ge=1,
        le=65536,
    )
    percentile: float = setting(
        0.95, "The percentile of latency that is watched.", unit="fraction", gt=0, lt=1
    )
    error_threshold: float | None = setting(
        None,
        "Share of failed calls in the window above which the breaker trips. "
        "Unset: errors do not trip.",
        unit="fraction",
        gt=0,
        lt=1,
    )
    wait_time: float = setting(
        10, "How long a tripped breaker stays open before it probes.", unit="s", ge=1, le=3600
    )
    trend_analysis_enabled: bool = setting(
        False, "Trip on latency only while it rises, or stays on a plateau above the threshold."
    )
    trend_analysis_min_sample_count: int = setting(
        10,
        "Calls the window must hold before a trend is judged; replaces `minimum_calls` for "
        "latency while trend analysis is on.",
        unit="calls",
        ge=1,
        le=65536,
    )
    slo: Slo | None = Field(default=None, description=Slo.__doc__)
    load: LoadSettings = Field(default=LoadSettings(), description=LoadSettings.__doc__)
    limiter: LimiterSettings = Field(default=LimiterSettings(), description=LimiterSettings.__doc__)
    recovery: RecoverySettings = Field(
        default=RecoverySettings(), description=RecoverySettings.__doc__
    )

    @property
    def useful_time(self) -> float:
        """Seconds after which an answer is of no use; infinite if nobody said."""
        if self.slo:
            return self.slo.timeout
        return self.latency_threshold / 1000 if self.limiter.enabled else float("inf")

    @property
    def recovers_adaptively(self) -> bool:
        """Whether the wait before probes finds itself: with an `slo`, unless it is set as well."""
        return self.slo is not None and "wait_time" not in self.model_fields_set

    @property
    def watches_latency(self) -> bool:
        """Whether `latency_threshold` counts: beside a stated `slo`, only if it is set as well."""
        return self.slo is None or "latency_threshold" in self.model_fields_set

    @property
    def slow_after(self) -> float:
        """Seconds from which on a call is too slow: the nearest of threshold and time-out."""
        limits = [self.latency_threshold / 1000] if self.watches_latency else []
        return min([*limits, *([self.slo.timeout] if self.slo else [])])
