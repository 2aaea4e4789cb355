"""Silences: somebody holds alerts back for a time, with a reason."""

from dataclasses import dataclass
from typing import Any, Final, Self

from breakerd.alerts.model.matchers import Matcher, Subject, all_hold, parsed

LONGEST: Final = 90 * 86_400.0
"""Seconds."""
KINDS: Final = ("*", "open", "memory", "latency", "degraded")


@dataclass(frozen=True, slots=True)
class Silence:
    """Holds alerts back for a time. Times are in seconds since the epoch.

    Attributes:
        id: unique.
        matchers: what it is about; all must hold.
        author: who wanted it.
        reason: why.
        starts_at: from when on.
        ends_at: until when.
    """

    id: str
    matchers: tuple[Matcher, ...]
    author: str
    reason: str
    starts_at: float
    ends_at: float

    def holds(self, subject: Subject, now: float) -> bool:
        """Whether it holds an alert for `subject` back now."""
        return self.starts_at <= now < self.ends_at and all_hold(self.matchers, subject)

    def as_dict(self) -> dict[str, Any]:
        """It as JSON-able data; `breaker` and `kind` are the patterns of these matchers."""
        patterns = {m.name: m.pattern for m in self.matchers if m.equal}
        return {
            "id": self.id,
            "breaker": patterns.get("breaker", "*"),
            "kind": patterns.get("kind", "*"),
            "matchers": [str(matcher) for matcher in self.matchers],
            "author": self.author,
            "reason": self.reason,
            "starts_at": self.starts_at,
            "ends_at": self.ends_at,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The silence of that data, which may be of the form without `matchers`.

        Raises:
            TypeError, KeyError, ValueError: it is none.
        """
        texts = data.get("matchers")
        if texts is None:
            texts = [f"{name}={data[name]}" for name in ("breaker", "kind")]
        return cls(
            data["id"],
            parsed(texts),
            data["author"],
            data["reason"],
            float(data["starts_at"]),
            float(data["ends_at"]),
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A silence that somebody wants.

    Attributes:
        author: who.
        reason: why.
        seconds: how long, from `starts_at` on, up to 90 days.
        breaker: pattern of names.
        kind: "open", "memory", "latency", "degraded", or "*" for all.
        matchers: conditions beside these, see `alerts.matchers`.
        starts_at: seconds since the epoch; None for now.
    """

    author: str
    reason: str
    seconds: float
    breaker: str = "*"
    kind: str = "*"
    matchers: tuple[str, ...] = ()
    starts_at: float | None = None

    def silence(self, now: float, id_: str) -> Silence:
        """It as a silence.

        Raises:
            ValueError: a value makes no sense; says which, and what is allowed.
        """
        sensible = self.kind in KINDS and 0 < self.seconds <= LONGEST
        if not (sensible and self.breaker and self.author and self.reason):
            raise ValueError(
                f"a silence needs a breaker, an author, a reason, a kind of {', '.join(KINDS)}, "
                f"and more than 0 s to 90 days; got breaker={self.breaker!r}, "
                f"author={self.author!r}, reason={self.reason!r}, kind={self.kind!r}, "
                f"{self.seconds} s"
            )
        starts_at = now if self.starts_at is None else self.starts_at
        beside = {"breaker": self.breaker, "kind": self.kind}
        texts = [f"{name}={value}" for name, value in beside.items() if value != "*"]
        matchers = parsed([*texts, *self.matchers])
        return Silence(id_, matchers, self.author, self.reason, starts_at, starts_at + self.seconds)
