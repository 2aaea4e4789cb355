"""Request bodies: go-breaker's, and further ones in the same manner.

Ranges, units and descriptions of settings come from the settings models, their only source.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from breakerd.alerts.incidents.page_drill import MAX_SECONDS, MIN_SECONDS
from breakerd.alerts.model.matchers import FORM, LONGEST, PATTERN, checked
from breakerd.alerts.model.stage import Priority
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.breaker.config.go_breaker import from_percent
from breakerd.breaker.runtime.status import whole
from breakerd.breaker.settings import Settings


class RequestBody(BaseModel):
    """A JSON object: unknown keys, wrong types and infinite numbers are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    def setting(self) -> Any:
        """Return the value of the only field, as the setting takes it."""
        (value,) = dict(self).values()
        return value

    @model_validator(mode="before")
    @classmethod
    def _read_numbers(cls, data: object) -> object:
        return whole_numbers(data)


def whole_numbers(data: Any) -> Any:
    """Convert 5.0 to 5: JSON has one type of numbers, and some writers always add a fraction."""
    match data:
        case float():
            return whole(data) if math.isfinite(data) else data
        case dict():
            return {key: whole_numbers(value) for key, value in data.items()}
        case list():
            return [whole_numbers(value) for value in data]
        case _:
            return data


def setting_field(model: type[BaseModel], name: str, **changes: Any) -> Any:
    """Return a required field with the range and description of the setting `name` of `model`.

    Args:
        model: a settings model.
        name: name of the setting.
        changes: arguments of `Field` that replace or add to those of the setting.
    """
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
    named = {"json_schema_extra": {"unit": unit}} if unit else {}
    return Field(**({"description": description} | limits | named | changes))


# --- settings, one by one


class MemoryThreshold(RequestBody):
    """A new memory threshold."""

    threshold: float = setting_field(Settings, "memory_threshold", examples=[85])


class LatencyThreshold(RequestBody):
    """A new latency threshold."""

    threshold: float = setting_field(Settings, "latency_threshold", examples=[800])


class WindowSize(RequestBody):
    """A new window size."""

    size: int = setting_field(Settings, "latency_window_size", examples=[128])


class Percentile(RequestBody):
    """A new percentile, as a fraction or a percentage."""

    percentile: float = Field(
        description="Below 1 a fraction, from 1 to under 100 a percentage.",
        gt=0,
        lt=100,
        json_schema_extra={"unit": "fraction or %"},
        examples=[95],
    )

    def setting(self) -> float:
        """Return the percentile as a fraction."""
        return self.percentile if self.percentile < 1 else from_percent(self.percentile)


class WaitTime(RequestBody):
    """A new wait time."""

    wait_time: float = setting_field(Settings, "wait_time", examples=[5])


class Toggle(RequestBody):
    """On or off."""

    enabled: bool = Field(examples=[False])


class Confirm(RequestBody):
    """Confirmation of an action."""

    confirm: Literal[True] = Field(True, description="`false` is refused.")


class ReasonBody(RequestBody):
    """The operator's reason."""

    reason: str = Field("manual", max_length=500, examples=["load shedding, incident 42"])


# --- alerting


class AlertPriority(RequestBody):
    """A new alert priority."""

    priority: Priority = setting_field(OpsGenieSettings, "priority", examples=["P2"])


class AlertTriggers(RequestBody):
    """Events that open alerts; omitted ones stay."""

    trigger_on_breaker_open: bool = Field(True, examples=[True])
    trigger_on_breaker_reset: bool = Field(True, examples=[True])
    trigger_on_memory_threshold: bool = Field(True, examples=[False])
    trigger_on_latency_threshold: bool = Field(True, examples=[False])


class AlertTags(RequestBody):
    """New alert tags."""

    tags: list[Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^\x00]*$")]] = (
        setting_field(OpsGenieSettings, "tags", max_length=20, examples=[["Team:platform"]])
    )


class AlertCooldown(RequestBody):
    """A new cooldown."""

    cooldown_seconds: int = setting_field(
        OpsGenieSettings, "alert_cooldown_seconds", examples=[120]
    )


class PageDrillBody(RequestBody):
    """A drill of a page: its priority and duration."""

    priority: Priority = Field("P1", examples=["P3"])
    seconds: float = Field(
        60.0,
        description="Time until it is closed.",
        ge=MIN_SECONDS,
        le=MAX_SECONDS,
        json_schema_extra={"unit": "s"},
    )


class DiscardBody(RequestBody):
    """Reason for discarding dead letters."""

    reason: str = Field(min_length=1, max_length=500, examples=["reported by phone"])


def _checked(matcher: str) -> str:
    checked([matcher])
    return matcher


class NewSilence(RequestBody):
    """A silence: mutes matching alerts for a time."""

    breaker: str = Field(
        "*",
        description="Breaker names as a shell pattern.",
        max_length=100,
        pattern=PATTERN,
        examples=["pay*"],
    )
    kind: Literal["*", "open", "memory", "latency", "degraded"] = "*"
    matchers: list[
        Annotated[str, Field(max_length=LONGEST, pattern=FORM), AfterValidator(_checked)]
    ] = Field(
        [],
        description="Further conditions, `NAME=PATTERN` or `NAME!=PATTERN`; all must match.",
        max_length=20,
        examples=[["Team=payments", "Environment!=prod"]],
    )
    author: str = Field(min_length=1, max_length=100, examples=["ada"])
    reason: str = Field(min_length=1, max_length=500, examples=["database moves, change 17"])
    starts_at: AwareDatetime | None = Field(
        None,
        description="Start, at most 365 days ahead; now if omitted. The end must be ahead.",
        strict=False,
    )
    seconds: float = Field(
        description="Duration.",
        ge=1,
        le=90 * 86_400,
        json_schema_extra={"unit": "s"},
        examples=[3600],
    )
    force: bool = Field(False, description="Accept a matcher of a label that no alert has.")

    def conditions(self) -> dict[str, Any]:
        """Return the keyword arguments of `Alerting.preview_silence`."""
        return self.model_dump(include={"breaker", "kind", "matchers"})

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of `Alerting.add_silence`.

        Raises:
            ValueError: the start is outside the calendar.
        """
        try:
            starts_at = self.starts_at.timestamp() if self.starts_at else None
        except OverflowError:
            raise ValueError(f"{self.starts_at} is outside the calendar") from None
        return self.model_dump() | {"starts_at": starts_at}
