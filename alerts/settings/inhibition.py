"""Settings of inhibition: incidents that mute others, as in Prometheus' Alertmanager."""

from pydantic import field_validator

from breakerd.alerts.model.matchers import checked
from breakerd.breaker.settings import SettingsModel, setting


class InhibitionSettings(SettingsModel):
    """Rule by which one incident mutes others (`[alerts.inhibition.NAME]`)."""

    source: tuple[str, ...] = setting(
        ...,
        "Matchers of the incident that mutes, as `reason=memory`.",
        shown=True,
        strict=False,
        min_length=1,
    )
    target: tuple[str, ...] = setting(
        ...,
        "Matchers of the incidents that are muted, as `kind=latency|degraded`.",
        shown=True,
        strict=False,
        min_length=1,
    )
    equal: tuple[str, ...] = setting(
        (), "Labels that must be equal in both, as `Host`.", shown=True, strict=False
    )

    @field_validator("source", "target")
    @classmethod
    def _check_matchers(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        checked(texts)
        return texts
