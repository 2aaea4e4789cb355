"""Inhibition: an incident that explains others mutes them, as in Prometheus' Alertmanager."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from breakerd.alerts.model.matchers import Matcher, Subject, all_hold, parsed
from breakerd.alerts.settings.inhibition import InhibitionSettings

MEMORY_INHIBITS_LATENCY: Final = InhibitionSettings(
    source=("reason=memory",), target=("kind=latency|degraded", "reason!=memory")
)
"""Rule for memory pressure: it makes calls slow, so the incident about memory explains both."""


_EXPLAINED: Final = "explained by "


def find_inhibitor(
    subject: Subject,
    sources: Iterable[tuple[Subject, str]],
    rules: Mapping[str, InhibitionSettings],
) -> str:
    """Return a text that names the incident and the rule that mute `subject`; empty if none does.

    Args:
        subject: the incident that would be sent.
        sources: the incidents that may mute it, each with its description.
        rules: by name.
    """
    fitting = {
        name: rule for name, rule in rules.items() if all_hold(_parsed(rule.target), subject)
    }
    for source, words in sources if fitting else ():
        for name, rule in fitting.items():
            same = all(subject.labels.get(x) == source.labels.get(x) for x in rule.equal)
            if same and all_hold(_parsed(rule.source), source):
                return f"{_EXPLAINED}{words} ({name})"
    return ""


def may_inhibit(subject: Subject, rules: Mapping[str, InhibitionSettings]) -> bool:
    """Return True if an incident is the source of a rule."""
    return any(all_hold(_parsed(rule.source), subject) for rule in rules.values())


def is_inhibited(held_by: str) -> bool:
    """Return True if a text is one of `find_inhibitor`."""
    return held_by.startswith(_EXPLAINED)


@lru_cache(maxsize=256)
def _parsed(texts: tuple[str, ...]) -> tuple[Matcher, ...]:
    return parsed(texts)
