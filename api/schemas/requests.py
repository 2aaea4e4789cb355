"""What the requests hold: go-breaker's bodies, and ours in the same manner.

Ranges, units and descriptions of settings come from the settings models, where they stand once.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from breakerd.alerts.model.matchers import FORM, LONGEST, PATTERN
from breakerd.alerts.model.priority import Priority
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.breaker.runtime.status import whole
from breakerd.breaker.settings import Settings


class Request(BaseModel):
    """A request: exact names, exact types, finite numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _read_numbers(cls, data: object) -> object:
        return _whole_numbers(data)


def _whole_numbers(data: object) -> object:
    """JSON does not tell 5 from 5.0, and some of its writers only know the latter."""
    match data:
        case float():
            return whole(data) if math.isfinite(data) else data
        case dict():
            return {key: _whole_numbers(value) for key, value in data.items()}
        case list():
            return [_whole_numbers(value) for value in data]
        case _:
            return data


def like(model: type[BaseModel], name: str, **changes: Any) -> Any:
    """A required field with the range and the description of the setting `name` of `model`."""
    field = model.model_fields[name]
    limits = {
        sign: getattr(each, sign)
        for each in field.metadata
        for sign in ("gt", "ge", "lt", "le")
        if hasattr(each, sign)
    }
    extra = field.json_schema_extra
    unit = extra.get("unit") if isinstance(extra, dict) else None
    description = f"{field.description} ({unit})" if unit else field.description
    return Field(**({"description": description} | limits | changes))


# --- settings, one by one


class MemoryThreshold(Request):
    """A new memory threshold."""

    threshold: float = like(Settings, "memory_threshold", examples=[85])


class LatencyThreshold(Request):
    """A new latency threshold."""

    threshold: float = like(Settings, "latency_threshold", examples=[800])


class WindowSize(Request):
    """A new size of the window."""

    size: int = like(Settings, "latency_window_size", examples=[128])


class Percentile(Request):
    """A new percentile, in one of two ways."""

    percentile: float = Field(
        description="Below 1 a fraction, from 1 to under 100 a percentage.",
        gt=0,
        lt=100,
        examples=[95],
    )


class WaitTime(Request):
    """A new wait."""

    wait_time: float = like(Settings, "wait_time", examples=[5])


class Switch(Request):
    """Something on or off."""

    enabled: bool = Field(examples=[False])


class Confirmation(Request):
    """A word that this is meant."""

    confirm: Literal[True] = Field(True, description="`false` is refused.")


class Why(Request):
    """The operator's reason."""

    reason: str = Field("manual", max_length=500, examples=["load shedding, incident 42"])


class SettingsChange(Settings):
    """Settings to change; those not named stay. Tables nest, or their keys are dotted."""

    model_config = ConfigDict(title="SettingsChange")

    @model_validator(mode="before")
    @classmethod
    def _nest(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        data = {key: _whole_numbers(value) for key, value in data.items()}
        nested = {key: value for key, value in data.items() if "." not in key}
        for key in data.keys() - nested.keys():
            table, _, name = key.partition(".")
            inner = nested.setdefault(table, {})
            nested[table] = {**inner, name: data[key]} if isinstance(inner, dict) else inner
        return nested

    def changed(self) -> dict[str, object]:
        """What was named, by its dotted name."""
        return dict(_leaves(self.model_dump(exclude_unset=True)))


def _leaves(values: dict[str, object], prefix: str = "") -> list[tuple[str, object]]:
    leaves: list[tuple[str, object]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            leaves += _leaves(value, f"{prefix}{name}.")
        else:
            leaves.append((prefix + name, value))
    return leaves


# --- alerting


class AlertPriority(Request):
    """A new priority of alerts."""

    priority: Priority = like(OpsGenieSettings, "priority", examples=["P2"])


class AlertTriggers(Request):
    """Which events page; those not named stay."""

    trigger_on_breaker_open: bool = Field(True, examples=[True])
    trigger_on_breaker_reset: bool = Field(True, examples=[True])
    trigger_on_memory_threshold: bool = Field(True, examples=[False])
    trigger_on_latency_threshold: bool = Field(True, examples=[False])


class AlertTags(Request):
    """New tags of alerts."""

    tags: list[Annotated[str, Field(min_length=1, max_length=50)]] = like(
        OpsGenieSettings, "tags", max_length=20, examples=[["Team:platform"]]
    )


class AlertCooldown(Request):
    """A new cooldown."""

    cooldown_seconds: int = like(OpsGenieSettings, "alert_cooldown_seconds", examples=[120])


class Discarding(Request):
    """Why an alert that was given up is let be."""

    reason: str = Field(min_length=1, max_length=500, examples=["told them by phone"])


class NewSilence(Request):
    """Holds alerts back for a time."""

    breaker: str = Field(
        "*",
        description="Names, as patterns of the shell.",
        max_length=100,
        pattern=PATTERN,
        examples=["pay*"],
    )
    kind: Literal["*", "open", "memory", "latency", "degraded"] = "*"
    matchers: list[Annotated[str, Field(max_length=LONGEST, pattern=FORM)]] = Field(
        [],
        description="Conditions beside these, `NAME=PATTERN` or `NAME!=PATTERN`; all must hold.",
        max_length=20,
        examples=[["Team=payments", "Environment!=prod"]],
    )
    author: str = Field(min_length=1, max_length=100, examples=["ada"])
    reason: str = Field(min_length=1, max_length=500, examples=["database moves, change 17"])
    starts_at: AwareDatetime | None = Field(
        None, description="When it begins; now if not given.", strict=False
    )
    seconds: float = Field(description="How long it lasts.", gt=0, le=90 * 86_400, examples=[3600])

    def wanted(self) -> dict[str, Any]:
        """It as `Alerting.add_silence` takes it."""
        starts_at = self.starts_at.timestamp() if self.starts_at else None
        return self.model_dump() | {"starts_at": starts_at}
