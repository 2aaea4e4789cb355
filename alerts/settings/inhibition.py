"""Inhibition: an incident that explains others holds them back, as in Prometheus' Alertmanager."""

from typing import Final

from pydantic import field_validator

from breakerd.alerts.model.matchers import parsed
from breakerd.breaker.settings import SettingsModel, setting


class InhibitionSettings(SettingsModel):
    """What holds back what (`[alerts.inhibition.NAME]`)."""

    source: tuple[str, ...] = setting(
        ..., "The incident that explains others, as `reason=memory`.", strict=False, min_length=1
    )
    target: tuple[str, ...] = setting(
        ...,
        "The incidents that it explains, as `kind=latency|degraded`.",
        strict=False,
        min_length=1,
    )
    equal: tuple[str, ...] = setting(
        (), "Labels that must be the same in both, as `Host`.", strict=False
    )

    @field_validator("source", "target")
    @classmethod
    def _are_matchers(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        parsed(texts)
        return texts


MEMORY_FIRST: Final = InhibitionSettings(
    source=("reason=memory",), target=("kind=latency|degraded", "reason!=memory")
)
"""Memory that is short makes calls slow: that is one trouble, and its name is memory."""
