"""Silences: alerts muted by a person for a time, with a reason."""

from dataclasses import dataclass
from typing import Any, Final, Self

from breakerd.alerts.model.matchers import (
    INCIDENT_KINDS,
    Matcher,
    Subject,
    all_hold,
    checked,
    parsed,
)
from breakerd.breaker.encoding.printable import encodable

MIN_SECONDS: Final = 1.0
"""Minimum duration of a silence in seconds; less than a round of alerting silences nothing."""
MAX_SECONDS: Final = 90 * 86_400.0
"""Maximum duration of a silence in seconds."""
MAX_AHEAD: Final = 365 * 86_400.0
"""Maximum number of seconds from now to the start of a silence."""
KINDS: Final = ("*", *INCIDENT_KINDS)
"""Values of `SilenceRequest.kind`."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Mutes the alerts it matches for a time. Times are in seconds since the epoch.

    Attributes:
        id: unique id.
        matchers: conditions, all of which must hold.
        author: who added it.
        reason: why.
        starts_at: when it starts.
        ends_at: when it ends.
    """

    id: str
    matchers: tuple[Matcher, ...]
    author: str
    reason: str
    starts_at: float
    ends_at: float

    def fits(self, subject: Subject) -> bool:
        """Return True if all its matchers hold for `subject`, whatever the time is."""
        return all_hold(self.matchers, subject)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-able data; `breaker` and `kind` are the patterns of these matchers."""
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
        """Build a silence from `as_dict` data; `matchers` may be missing.

        Raises:
            TypeError, KeyError, ValueError: the data does not describe a silence.
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
class SilenceRequest:
    """Request for a silence.

    Attributes:
        author: who asks for it.
        reason: why.
        seconds: duration from `starts_at` on: 1 s to 90 days.
        breaker: pattern of names.
        kind: "open", "memory", "latency", "degraded", or "*" for all.
        matchers: further conditions, see `alerts.model.matchers`.
        starts_at: seconds since the epoch, at most a year ahead; None for now. A silence must end
            in the future.
    """

    author: str
    reason: str
    seconds: float
    breaker: str = "*"
    kind: str = "*"
    matchers: tuple[str, ...] = ()
    starts_at: float | None = None

    def to_silence(self, now: float, id_: str) -> Silence:
        """Return the silence that is asked for.

        Raises:
            ValueError: a value is invalid; names it and what is allowed.
        """
        valid = self.kind in KINDS and MIN_SECONDS <= self.seconds <= MAX_SECONDS
        if not (valid and self.breaker and self.author and self.reason):
            raise ValueError(
                f"a silence needs a breaker, an author, a reason, a kind of {', '.join(KINDS)}, "
                f"and 1 s to 90 days; got breaker={self.breaker!r}, "
                f"author={self.author!r}, reason={self.reason!r}, kind={self.kind!r}, "
                f"{self.seconds} s"
            )
        starts_at = now if self.starts_at is None else self.starts_at
        if not now - self.seconds < starts_at <= now + MAX_AHEAD:
            raise ValueError(
                "a silence must end in the future and start within 365 days; this one starts "
                f"{_distance(starts_at - now)} and lasts {self.seconds:g} s"
            )
        author, reason = encodable(self.author), encodable(self.reason)
        return Silence(id_, self.conditions(), author, reason, starts_at, starts_at + self.seconds)

    def conditions(self) -> tuple[Matcher, ...]:
        """Return all its matchers.

        Raises:
            ValueError: one of them is invalid; names it and what is allowed.
        """
        named = {"breaker": self.breaker, "kind": self.kind}
        texts = [f"{name}={value}" for name, value in named.items() if value != "*"]
        return checked([*texts, *self.matchers])


def _distance(seconds: float) -> str:
    """Return how far away a moment is: 60 s from now, 60 s ago."""
    return f"{seconds:.0f} s from now" if seconds >= 0 else f"{-seconds:.0f} s ago"
