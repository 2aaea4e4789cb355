"""Base of all settings models, and the tables of a breaker's settings."""

from itertools import pairwise
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

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


def overlaid(below: SettingsModel, above: SettingsModel) -> dict[str, object]:
    """Return each field that `above` sets, its tables merged with those of `below`."""
    changes: dict[str, object] = {}
    for name in above.model_fields_set:
        before, value = getattr(below, name), getattr(above, name)
        if isinstance(before, SettingsModel) and isinstance(value, SettingsModel):
            changes[name] = before.model_copy(update=overlaid(before, value))
        else:
            changes[name] = value
    return changes


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
