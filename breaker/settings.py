"""Define every setting of a breaker once: name, meaning, unit, range and default.

The TOML check, the HTTP validation, the command line and the reference page derive from these
models. Models are frozen: a changed setting is a new `Settings`, validated as a whole before a
running breaker gets it.
"""

from typing import Any, Self

from pydantic import Field, ValidationInfo, model_validator

from breakerd.breaker.settings_parts import (
    PARTIAL,
    LimiterSettings,
    LoadSettings,
    RecoverySettings,
    SettingsModel,
    Slo,
    overlaid,
    setting,
)

__all__ = [
    "PARTIAL",
    "CandidateSettings",
    "LimiterSettings",
    "LoadSettings",
    "RecoverySettings",
    "Settings",
    "SettingsModel",
    "Slo",
    "setting",
]

_STEPS_PER_WAIT = 60
"""Steps of the ramp in a wait: what follows a short wait is short."""


class CandidateSettings(SettingsModel):
    """Settings that run in the shadow of those in force (`[breakers.NAME.candidate]`)."""

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

    @property
    def tolerated_bad_share(self) -> float:
        """Return the lowest share of bad calls that these settings react to; 1 for none."""
        shares = [1 - self.percentile] if self.watches_latency else []
        shares += [self.max_error_rate] if self.max_error_rate is not None else []
        shares += [1 - self.slo.success_rate] if self.slo is not None else []
        return min(shares, default=1.0)


class Settings(CandidateSettings):
    """Settings of one breaker, with the names and units of the TOML file."""

    candidate: CandidateSettings | None = Field(
        default=None,
        description="Settings to try in the shadow of these: what they would do is shown, and no "
        "call is affected. A setting that is left out is the same as in force.",
        json_schema_extra={"shadow": True},
    )

    def changes_since(self, before: "Settings") -> dict[str, tuple[Any, Any]]:
        """Return (value before, value now) of each field that differs."""
        fields = type(self).model_fields
        pairs = {field: (getattr(before, field), getattr(self, field)) for field in fields}
        return {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}

    def contradictions(self) -> list[tuple[str, object, str]]:
        """Return the settings that do not fit the others, those of the candidate among them."""
        found = super().contradictions()
        if (tried := self.with_candidate()) is not None:
            inner = tried.contradictions()
            found += [(f"candidate.{key}", value, allowed) for key, value, allowed in inner]
        return found

    def with_candidate(self) -> "Settings | None":
        """Return the settings as the candidate has them; None without one."""
        if self.candidate is None:
            return None
        changes = overlaid(self, self.candidate)
        return self.without_candidate().model_copy(update=changes)

    def without_candidate(self) -> "Settings":
        """Return the settings with nothing in their shadow."""
        if self.candidate is None:
            return self
        found = self.model_copy(update={"candidate": None})
        found.__pydantic_fields_set__.discard("candidate")
        return found
