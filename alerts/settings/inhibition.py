"""Inhibition: an incident that explains others holds them back, as in Prometheus' Alertmanager."""

from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import field_validator

from breakerd.alerts.model.matchers import Subject, all_hold, parsed
from breakerd.breaker.settings import SettingsModel, setting


class InhibitionSettings(SettingsModel):
    """What holds back what (`[alerts.inhibition.NAME]`)."""

    source: tuple[str, ...] = setting(
        ..., "The incident that explains others, as `reason=memory`.", strict=False, min_length=1
    )
    target: tuple[str, ...] = setting(
        ...,
        "The incidents that it explains, as `kind=latency|trouble`.",
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
    source=("reason=memory",), target=("kind=latency|trouble", "reason!=memory")
)
"""Memory that is short makes calls slow: that is one trouble, and its name is memory."""


def inhibitor(
    subject: Subject,
    sources: Iterable[tuple[Subject, str]],
    rules: Mapping[str, InhibitionSettings],
) -> str:
    """What explains `subject`, in words; empty if nothing does.

    Args:
        subject: what is to be told.
        sources: what may explain it, each with its words.
        rules: by name.
    """
    fitting = {name: rule for name, rule in rules.items() if all_hold(parsed(rule.target), subject)}
    for source, words in sources if fitting else ():
        for name, rule in fitting.items():
            same = all(subject.labels.get(x) == source.labels.get(x) for x in rule.equal)
            if same and all_hold(parsed(rule.source), source):
                return f"explained by {words} ({name})"
    return ""
