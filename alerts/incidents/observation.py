"""What processes see of their breakers. Several may share one file, and one of them sends."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Protocol, Self

from breakerd.alerts.content.composer import Content
from breakerd.alerts.incidents import policy
from breakerd.alerts.model.notes import Worst
from breakerd.alerts.model.text import shorten

DETAILED: Final = 20
"""So many breakers in trouble are described in full; of the rest only who and what."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A breaker that is in trouble.

    Attributes:
        breaker: its name.
        kind: the weightiest thing about it: "open", "memory", "latency" or "degraded".
        since: seconds since the epoch.
        drill: whether it is only a drill; None if that is not known.
    """

    breaker: str
    kind: str
    since: float
    drill: bool | None = None


class Witness(Protocol):
    """One process, as the one that sends sees it."""

    @property
    def sightings(self) -> Mapping[str, Sighting]:
        """Its breakers that are in trouble, by name."""
        ...

    def content(self, sighting: Sighting) -> Content:
        """What an alert for that says."""
        ...

    def why(self, sighting: Sighting) -> str:
        """The evidence, in a sentence."""
        ...

    def seen(self, breaker: str) -> str:
        """What that breaker looks like now, in a sentence; empty if it has none of that name."""
        ...

    def worst(self, breaker: str) -> Worst | None:
        """Its figures now; None if they are not known."""
        ...

    def ended_by(self, breaker: str) -> str:
        """What made it well again, in a few words; empty if that is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Description:
    """What one process tells the others of one breaker in trouble."""

    why: str
    seen: str
    content: Content
    worst: Worst | None = None


@dataclass(frozen=True, slots=True)
class Testimony:
    """What another process wrote down of its breakers."""

    sightings: Mapping[str, Sighting] = field(default_factory=dict)
    described: Mapping[str, Description] = field(default_factory=dict)
    ended: Mapping[str, str] = field(default_factory=dict)

    def content(self, sighting: Sighting) -> Content:
        """What an alert for that says; the least that pages where no more was written down."""
        if description := self.described.get(sighting.breaker):
            return description.content
        message = policy.WORDS[sighting.kind]
        return Content(f"{sighting.breaker} {message}", "", sighting.breaker, "breakerd")

    def why(self, sighting: Sighting) -> str:
        """The evidence, in a sentence."""
        description = self.described.get(sighting.breaker)
        return description.why if description else policy.WORDS[sighting.kind]

    def seen(self, breaker: str) -> str:
        """What that breaker looked like, in a sentence; empty if nothing was written down."""
        description = self.described.get(breaker)
        return description.seen if description else ""

    def worst(self, breaker: str) -> Worst | None:
        """Its figures."""
        description = self.described.get(breaker)
        return description.worst if description else None

    def ended_by(self, breaker: str) -> str:
        """What made it well again."""
        return self.ended.get(breaker, "")

    @classmethod
    def of(cls, witness: Witness, ended: Mapping[str, str]) -> Self:
        """What `witness` sees now."""
        sightings = dict(witness.sightings)
        described = {
            sighting.breaker: Description(
                witness.why(sighting),
                witness.seen(sighting.breaker),
                witness.content(sighting),
                witness.worst(sighting.breaker),
            )
            for sighting in list(sightings.values())[:DETAILED]
        }
        return cls(sightings, described, dict(ended))

    def as_text(self) -> str:
        """It as JSON."""
        return json.dumps(
            {
                "sightings": [
                    [s.breaker, s.kind, s.since, s.drill] for s in self.sightings.values()
                ],
                "described": {name: _as_dict(d) for name, d in self.described.items()},
                "ended": dict(self.ended),
            }
        )

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The testimony of that JSON.

        Raises:
            ValueError, TypeError, KeyError: it is none.
        """
        data = json.loads(text)
        sightings = [Sighting(*values) for values in data["sightings"]]
        described = {
            name: Description(
                why=each["why"],
                seen=each["seen"],
                content=Content.from_dict(each["content"]),
                worst=Worst(**each["worst"]) if each["worst"] else None,
            )
            for name, each in data["described"].items()
        }
        return cls({s.breaker: s for s in sightings}, described, data["ended"])


def _as_dict(description: Description) -> dict[str, Any]:
    return {
        "why": shorten(description.why, 500),
        "seen": description.seen,
        "content": description.content.as_dict(),
        "worst": asdict(description.worst) if description.worst else None,
    }


def merged(witnesses: Iterable[Witness]) -> dict[str, tuple[Sighting, Witness]]:
    """The weightiest sighting of each breaker, and whose it is."""
    found: dict[str, tuple[Sighting, Witness]] = {}
    for witness in witnesses:
        for name, sighting in witness.sightings.items():
            known = found.get(name)
            if known is None or policy.weight(sighting.kind) > policy.weight(known[0].kind):
                found[name] = (sighting, witness)
    return found
