"""Which incidents a silence, a maintenance window or an inhibition is about.

A matcher is `NAME=PATTERN` or `NAME!=PATTERN`, as in Prometheus' Alertmanager. The pattern is that
of the shell (`*`, `?`, `[ab]`), several of them with `|` in between. There are no regular
expressions: a bad one could keep alerts from leaving.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final, Self

LONGEST: Final = 200
"""Characters of one matcher."""

PATTERN: Final = r"^[!-~]([ -~]*[!-~])?$"
"""How a pattern is written, as a regular expression that JSON Schema knows as well."""
FORM: Final = r"^([A-Za-z_][A-Za-z0-9_.-]*)(!?=)([!-~]([ -~]*[!-~])?)$"
"""The same of a matcher."""

_ALLOWED: Final = (
    "NAME=PATTERN or NAME!=PATTERN, where NAME is breaker, kind, reason, priority, drill or the "
    f"key of a tag; at most {LONGEST} characters"
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What of an incident can be matched. `breakers` are all that are in it."""

    breakers: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition. A label that is missing is empty."""

    name: str
    equal: bool
    pattern: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The matcher that `text` describes.

        Raises:
            ValueError: it describes none; says what is allowed.
        """
        match = re.fullmatch(FORM, re.sub(r"\s*(!?=)\s*", r"\1", text.strip(), count=1))
        if match is None or len(text) > LONGEST:
            raise ValueError(_ALLOWED)
        name, operator, pattern = match.groups()[:3]
        return cls(name, operator == "=", pattern)

    def matches(self, subject: Subject) -> bool:
        """Whether it is so; of several breakers, for each."""
        if self.name == "breaker":
            return all(self._fits(name) == self.equal for name in subject.breakers)
        return self._fits(subject.labels.get(self.name, "")) == self.equal

    def _fits(self, value: str) -> bool:
        return any(fnmatchcase(value, part.strip()) for part in self.pattern.split("|"))

    def __str__(self) -> str:
        """As `parse` takes it."""
        return f"{self.name}{'=' if self.equal else '!='}{self.pattern}"


def parsed(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """Matchers, all of which must hold.

    Raises:
        ValueError: one of them is none.
    """
    return tuple(Matcher.parse(text) for text in texts)


def all_hold(matchers: Iterable[Matcher], subject: Subject) -> bool:
    """Whether each of them holds."""
    return all(matcher.matches(subject) for matcher in matchers)
