"""Check of the matchers in the file: labels that no alert has, and misspelt breakers."""

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from breakerd.alerts.model.matchers import (
    AUTOMATIC_TAGS,
    SUBJECT_LABELS,
    Matcher,
    near_miss,
    parsed,
    unknown_label,
)
from breakerd.alerts.settings.inhibition import InhibitionSettings
from breakerd.alerts.settings.maintenance import MaintenanceSettings
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.breaker.config import ConfigWarning, Document, Key, tolerated

_SECTION: Final = "alerts"
_BREAKERS: Final = "breakers"
_DEFAULT: Final = "default"
_MAX_COMPARISONS: Final = 20_000
"""Names times matchers up to which they are compared: more would take too long to be checked."""


def check_labels(
    document: Document,
    opsgenie: OpsGenieSettings,
    maintenance: Mapping[str, MaintenanceSettings],
    inhibition: Mapping[str, InhibitionSettings],
) -> Iterator[ConfigWarning]:
    """Yield a warning for each matcher, and each label to compare, that is likely a mistake.

    Breakers may be made in code, so an unknown name counts only where it is close to a known one.

    Args:
        document: the file.
        opsgenie: its `[opsgenie]`, which adds tags.
        maintenance: its windows by name.
        inhibition: its rules by name.
    """
    labels = [*SUBJECT_LABELS, *AUTOMATIC_TAGS, *(tag.partition(":")[0] for tag in opsgenie.tags)]
    breakers = _breakers(document)
    matchers = list(_matchers(maintenance, inhibition))
    labelled = len(matchers) + sum(len(rule.equal) for rule in inhibition.values())
    if labelled * (len(labels) + len(breakers)) > _MAX_COMPARISONS:
        return
    for at, text in matchers:
        for matcher in parsed([text]):
            doubt = unknown_label(matcher.name, labels) or _misspelt(matcher, breakers)
            if doubt:
                yield tolerated(document, at, text, f"it stands, but {doubt}")
    for name, rule in inhibition.items():
        for index, label in enumerate(rule.equal):
            if doubt := unknown_label(label, labels):
                at = (_SECTION, "inhibition", name, "equal", str(index))
                yield tolerated(document, at, label, f"it stands, but {doubt}")


def _matchers(
    maintenance: Mapping[str, MaintenanceSettings], inhibition: Mapping[str, InhibitionSettings]
) -> Iterator[tuple[Key, str]]:
    """Yield each matcher of the windows and rules, with its key in the file."""
    for name, window in maintenance.items():
        yield from _keyed((_SECTION, "maintenance", name, "matchers"), window.matchers)
    for name, rule in inhibition.items():
        yield from _keyed((_SECTION, "inhibition", name, "source"), rule.source)
        yield from _keyed((_SECTION, "inhibition", name, "target"), rule.target)


def _keyed(key: Key, texts: Iterable[str]) -> Iterator[tuple[Key, str]]:
    for index, text in enumerate(texts):
        yield (*key, str(index)), text


def _breakers(document: Document) -> list[str]:
    named = document.data.get(_BREAKERS)
    return [_DEFAULT, *(named if isinstance(named, Mapping) else ())]


def _misspelt(matcher: Matcher, breakers: list[str]) -> str:
    """Return that a pattern of names fits no breaker, but nearly one; empty if not so."""
    for pattern in matcher.patterns if matcher.name == "breaker" else ():
        if any(fnmatchcase(name, pattern) for name in breakers):
            continue
        if miss := near_miss(pattern, breakers):
            return f"no breaker is named {pattern!r} (did you mean {miss!r}?)"
    return ""
