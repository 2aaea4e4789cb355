"""Matchers: conditions of silences, maintenance windows and inhibition rules.

A matcher is `NAME=PATTERN` or `NAME!=PATTERN`, as in Prometheus' Alertmanager. Patterns are those
of the shell (`*`, `?`, `[ab]`); `|` separates alternatives. Regular expressions are not supported,
because a slow one could delay alerts.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Final, Self

LONGEST: Final = 200
"""Maximum number of characters of a matcher."""

PATTERN: Final = r"^[!-~]([ -~]*[!-~])?$"
"""Form of a pattern, as a regular expression that JSON Schema accepts too."""
FORM: Final = r"^([A-Za-z_][A-Za-z0-9_.-]*)(!?=)([!-~]([ -~]*[!-~])?)$"
"""Form of a matcher, as a regular expression that JSON Schema accepts too."""

INCIDENT_KINDS: Final = ("open", "memory", "latency", "degraded")
"""Kinds of incidents."""
_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "kind": INCIDENT_KINDS,
    "priority": ("P1", "P2", "P3", "P4", "P5"),
    "drill": ("true", "false"),
}
"""All values of the labels that have only some."""
SUBJECT_LABELS: Final = ("breaker", "kind", "reason", "priority", "drill")
"""Labels that every alert has."""
AUTOMATIC_TAGS: Final = (
    "Environment",
    "BookmakerId",
    "Host",
    "Business",
    "Team",
    "AlertType",
    "Breaker",
    "Service",
    "Tier",
    "Context",
    "Drill",
)
"""Keys of the tags that alerts get by themselves; one without a value is left out."""

_ALLOWED: Final = (
    "NAME=PATTERN or NAME!=PATTERN, where NAME is breaker, kind, reason, priority, drill or the "
    f"key of a tag; at most {LONGEST} characters"
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Properties of an incident that a matcher can test.

    Attributes:
        breakers: names of all breakers in it.
        labels: values by name.
    """

    breakers: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Matcher:
    """Condition on one label. A label that is missing counts as empty.

    Attributes:
        name: name of the label.
        equal: True for `=`, False for `!=`.
        pattern: pattern of the shell.
    """

    name: str
    equal: bool
    pattern: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a matcher.

        Raises:
            ValueError: the text is not a matcher; says what is allowed.
        """
        match = re.fullmatch(FORM, re.sub(r"\s*(!?=)\s*", r"\1", text.strip(), count=1))
        if match is None or len(text) > LONGEST:
            raise ValueError(_ALLOWED)
        name, operator, pattern = match.groups()[:3]
        return cls(name, operator == "=", pattern)

    @property
    def patterns(self) -> tuple[str, ...]:
        """The alternatives of the pattern."""
        return tuple(part.strip() for part in self.pattern.split("|"))

    def matches(self, subject: Subject) -> bool:
        """Return True if the condition holds; for `breaker`, if it holds for every breaker."""
        if self.name == "breaker":
            return all(self._fits(name) == self.equal for name in subject.breakers)
        return self._fits(subject.labels.get(self.name, "")) == self.equal

    def _fits(self, value: str) -> bool:
        return any(fnmatchcase(value, part) for part in self.patterns)

    def __str__(self) -> str:
        """Return the text that `parse` accepts."""
        return f"{self.name}{'=' if self.equal else '!='}{self.pattern}"


def parsed(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """Parse several matchers.

    Raises:
        ValueError: one of them is not a matcher.
    """
    return tuple(Matcher.parse(text) for text in texts)


def checked(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """Parse several matchers that somebody asks for.

    Raises:
        ValueError: one of them is not a matcher, or a pattern fits none of the values that there
            are, so that it would never match.
    """
    matchers = parsed(texts)
    for matcher in matchers:
        known = _VALUES.get(matcher.name, ())
        for pattern in matcher.pattern.split("|"):
            if known and not any(fnmatchcase(value, pattern.strip()) for value in known):
                miss = near_miss(pattern.strip(), known)
                hint = f"; did you mean {miss!r}?" if miss else ""
                raise ValueError(
                    f"{matcher.name} with a pattern of {', '.join(known)}, not {pattern!r}{hint}"
                )
    return matchers


def near_miss(text: str, known: Iterable[str]) -> str:
    """Return the name in `known` that `text` may have been meant for; empty if none is near."""
    by_lower: dict[str, str] = {}
    for name in known:
        by_lower.setdefault(name.lower(), name)  # breaker before the tag Breaker
    close = get_close_matches(text.lower(), list(by_lower), n=1)
    return by_lower[close[0]] if close else ""


def unknown_label(name: str, known: Iterable[str]) -> str:
    """Return that no alert has the label `name`, as a sentence; empty if some has."""
    names = list(dict.fromkeys(known))
    if name in names:
        return ""
    miss = near_miss(name, names)
    hint = f"did you mean {miss!r}?" if miss else f"known are {', '.join(names)}"
    return f"no alert has a label {name!r} ({hint})"


def all_hold(matchers: Iterable[Matcher], subject: Subject) -> bool:
    """Return True if every matcher matches `subject`."""
    return all(matcher.matches(subject) for matcher in matchers)
