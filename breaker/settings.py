"""Define every setting of a breaker once: name, meaning, unit, range and default.

The TOML check, the HTTP validation, the command line and the reference page derive from these
models. Models are frozen: a changed setting is a new `Settings`, validated as a whole before a
running breaker gets it.
"""

from itertools import pairwise
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

PARTIAL: Final = "partial"
"""Key of a validation's context: True if the settings are a part, and so may lack others."""


def setting(
    default: Any,
    help_text: str,
    *,
    unit: str = "",
    shown: bool = False,
    found: bool = False,
    **limits: Any,
) -> Any:
    """Return a pydantic field with its unit in the JSON schema.

    Errors show a wrong text only if `shown`: where free text is due, it may be a misplaced secret.
    `found` is True if the breaker finds a better value by itself while the key is not set.
    """
    marks = {"x-shown": True} if shown else {"found": True} if found else {}
    extra: dict[str, Any] = {"unit": unit} | marks
    return Field(default, description=help_text, json_schema_extra=extra, **limits)


class SettingsModel(BaseModel):
    """Base class of all settings: exact names, exact types, finite numbers, immutable."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )


_STEPS_PER_WAIT = 60
"""Steps of the ramp in a wait: what follows a short wait is short."""

Share = Annotated[float, Field(gt=0, lt=1)]


class RecoverySettings(SettingsModel):
    """Recovery of an open breaker: wait, then probes, then a ramp (`[recovery]`)."""

    probes: int = setting(
        3,
        "Maximum concurrent calls while half open. As many must succeed before the ramp begins.",
        unit="calls",
        ge=1,
        le=1000,
    )
    probe_timeout: float = setting(
        30.0,
        "Time after which a probe that has not reported is presumed lost and frees its slot.",
        unit="s",
        gt=0,
        le=3600,
    )
    ramp: tuple[Share, ...] = setting(
        (0.1, 0.25, 0.5),
        "Shares of calls admitted after the probes, one step each, before all calls are. "
        "Empty: no ramp. Unset: these, and after relapses smaller ones before and larger after.",
        unit="fraction",
        found=True,
        max_length=20,
        strict=False,
    )
    step_time: float = setting(
        1.0,
        "Time without a relapse after which the ramp takes its next step. Unset: a sixtieth of "
        "`wait_time`, and at most this; with `[slo]` and no `wait_time`, this.",
        unit="s",
        found=True,
        gt=0,
        le=3600,
    )
    max_wait_time: float = setting(
        120.0,
        "Maximum wait. From the third failed recovery in a row on, each doubles `wait_time` up to "
        "it; a value below `wait_time` means no doubling.",
        unit="s",
        ge=0,
        le=86400,
    )

    @field_validator("ramp")
    @classmethod
    def _check_rise(cls, ramp: tuple[float, ...]) -> tuple[float, ...]:
        if any(later < earlier for earlier, later in pairwise(ramp)):
            raise ValueError("shares that do not fall, each > 0, < 1 (fraction)")
        return ramp


class Slo(SettingsModel):
    """Service-level objective (`[slo]`): sufficient without any threshold."""

    success_rate: float = setting(
        ..., "Share of calls that should succeed within `timeout`.", unit="fraction", gt=0, lt=1
    )
    timeout: float = setting(
        ..., "Maximum duration of a call; a longer call counts as failed.", unit="s", gt=0, le=3600
    )
    warmup: float = setting(
        60.0,
        "Time after the start in which only a failure streak or low memory rejects calls, because "
        "the first calls meet cold caches.",
        unit="s",
        ge=0,
        le=86400,
    )


class LimiterSettings(SettingsModel):
    """Adaptive concurrency limit (`[limiter]`)."""

    enabled: bool = setting(
        False,
        "Reject calls while more are in flight than are answered in time: within `timeout` of "
        "`[slo]`, or else within `latency_threshold`.",
    )
    min_limit: int = setting(1, "Minimum concurrency limit.", unit="calls", ge=1, le=1_000_000)
    max_limit: int | None = setting(
        None,
        "Maximum concurrency limit, also while all calls are fast. Unset: no limit while healthy.",
        unit="calls",
        ge=1,
        le=1_000_000,
    )


class LoadSettings(SettingsModel):
    """Load of the machine as a signal (`[load]`). A threshold that is unset is not watched."""

    cpu_pressure_threshold: float | None = setting(
        None,
        "Maximum share of the last 2 s in which some task waited for a CPU.",
        unit="%",
        gt=0,
        le=100,
    )
    memory_pressure_threshold: float | None = setting(
        None,
        "Maximum share of the last 2 s in which some task waited for memory to be reclaimed.",
        unit="%",
        gt=0,
        le=100,
    )
    io_pressure_threshold: float | None = setting(
        None,
        "Maximum share of the last 2 s in which some task waited for input or output.",
        unit="%",
        gt=0,
        le=100,
    )
    load_threshold: float | None = setting(
        None,
        "Maximum load average of the host over the last minute, per usable CPU.",
        unit="tasks per CPU",
        gt=0,
        le=10_000,
    )
    loop_lag_threshold: float | None = setting(
        None,
        "Maximum lag of a watched asyncio event loop, as a mean over 2 s.",
        unit="ms",
        gt=0,
        le=60_000,
    )
    reject: bool = setting(
        False,
        "Open while a threshold is exceeded. If false, an exceeded threshold is only reported, and "
        "an enabled limiter lowers its limit.",
    )


class Settings(SettingsModel):
    """Settings of one breaker, with the names and units of the TOML file."""

    memory_threshold: float = setting(
        80.0,
        "Memory use, as a share of the limit, from which calls are rejected.",
        unit="%",
        gt=0,
        lt=100,
    )
    memory_hysteresis: float = setting(
        2.0,
        "Distance below `memory_threshold` to which memory use must fall to be healthy again.",
        unit="percentage points",
        ge=0,
        lt=100,
    )
    memory_check_interval: float = setting(
        0.5,
        "Time between two memory readings; calls read it only while use is near the threshold.",
        unit="s",
        ge=0.05,
        le=60,
    )
    latency_threshold: float = setting(
        1500,
        "Maximum latency at the watched percentile; calls in flight for longer count as slow.",
        unit="ms",
        ge=5,
        le=86_400_000,
    )
    latency_window_size: int = setting(
        64, "Number of latest calls in the sliding window.", unit="calls", ge=1, le=65536
    )
    latency_max_age: float = setting(
        60.0,
        "Maximum age of a call in the sliding window, since its end.",
        unit="s",
        gt=0,
        le=86400,
    )
    minimum_calls: int = setting(
        10,
        "Minimum calls, ended or hanging, for latency or errors to trip; a full window suffices.",
        unit="calls",
        ge=1,
        le=65536,
    )
    percentile: float = setting(0.95, "Watched percentile of latency.", unit="fraction", gt=0, lt=1)
    error_threshold: float | None = setting(
        0.5,
        "Maximum share of failed calls in the window. 1, or unset beside `[slo]`: not judged.",
        unit="fraction",
        gt=0,
        le=1,
    )
    wait_time: float = setting(
        10,
        "Minimum time a tripped breaker stays open before it probes. Unset: it finds a shorter one "
        "by itself after a trip by latency or errors.",
        unit="s",
        found=True,
        ge=1,
        le=3600,
    )
    trend_analysis_enabled: bool = setting(
        False, "Trip on latency only if it rises, or stays on a plateau above the threshold."
    )
    trend_analysis_min_sample_count: int = setting(
        10,
        "Minimum calls in the window before a trend is evaluated; replaces `minimum_calls` for "
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

    def changes_since(self, before: "Settings") -> dict[str, tuple[Any, Any]]:
        """Return (value before, value now) of each field that differs."""
        fields = type(self).model_fields
        pairs = {field: (getattr(before, field), getattr(self, field)) for field in fields}
        return {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}

    @model_validator(mode="after")
    def _check_together(self, info: ValidationInfo) -> Self:
        partial = bool(info.context and info.context.get(PARTIAL))
        if not partial and (found := self.contradictions()):
            raise ValueError("; ".join(f"{key}: {allowed}" for key, _, allowed in found))
        return self

    def contradictions(self) -> list[tuple[str, object, str]]:
        """Return the settings that do not fit the others: dotted key, value, and what is allowed.

        A table of the file may lack what the root says, so it is checked together with that.
        """
        found: list[tuple[str, object, str]] = []
        limiter, load = self.limiter, self.load
        if limiter.max_limit is not None and limiter.max_limit < limiter.min_limit:
            allowed = f"a whole number ≥ `min_limit`, which is {limiter.min_limit} (calls)"
            found.append(("limiter.max_limit", limiter.max_limit, allowed))
        watched = [name for name in LoadSettings.model_fields if name.endswith("_threshold")]
        if load.reject and all(getattr(load, name) is None for name in watched):
            allowed = f"false, or true beside one of {', '.join(watched)}"
            found.append(("load.reject", True, allowed))
        return found

    @property
    def useful_time(self) -> float:
        """Return the seconds after which an answer is of no use; infinite if not configured."""
        if self.slo:
            return self.slo.timeout
        return self.latency_threshold / 1000 if self.limiter.enabled else float("inf")

    @property
    def recovers_adaptively(self) -> bool:
        """True if the wait after a trip by calls is found: `wait_time` is not set."""
        return "wait_time" not in self.model_fields_set

    @property
    def gates_memory(self) -> bool:
        """True if memory holds back calls one by one: `slo` is set, and `wait_time` is not."""
        return self.slo is not None and self.recovers_adaptively

    @property
    def ramp_step_time(self) -> float:
        """Return the seconds of a step of the ramp: in proportion to the wait, unless it is set."""
        recovery = self.recovery
        if not self.finds_step_time:
            return recovery.step_time
        return min(recovery.step_time, self.wait_time / _STEPS_PER_WAIT)

    @property
    def finds_step_time(self) -> bool:
        """True if `step_time` is an upper bound: neither it is set nor a service level recovers.

        A level's first probe may succeed by luck, and failures take its time-out to show.
        """
        level = self.slo is not None and self.recovers_adaptively
        return not level and "step_time" not in self.recovery.model_fields_set

    @property
    def stated(self) -> frozenset[str]:
        """Return the names of the settings that are set explicitly: some defaults depend on it."""
        return frozenset(self.model_fields_set) | self.recovery.model_fields_set

    @property
    def watches_latency(self) -> bool:
        """True if `latency_threshold` applies: `slo` is not set, or the threshold is set too."""
        return self.slo is None or "latency_threshold" in self.model_fields_set

    @property
    def max_error_rate(self) -> float | None:
        """Return `error_threshold` if it applies, else None: it is 1, or unset beside an `slo`."""
        applies = self.slo is None or "error_threshold" in self.model_fields_set
        return self.error_threshold if applies and self.error_threshold != 1 else None

    @property
    def slow_after(self) -> float:
        """Return the seconds above which a call is slow: the lower of threshold and timeout."""
        limits = [self.latency_threshold / 1000] if self.watches_latency else []
        return min([*limits, *([self.slo.timeout] if self.slo else [])])
