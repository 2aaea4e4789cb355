"""What this process sees of its breakers: the witness at home.

Events only wake, and bring the evidence: what counts is what a breaker is now. So an event that got
lost costs a sentence, and never an alert.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from breakerd.alerts.content.composer import Content, Trouble, cause, compose, state_summary
from breakerd.alerts.incidents import policy
from breakerd.alerts.incidents.observation import Sighting
from breakerd.alerts.model.notes import Worst, ended_by, worst_of
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import resolve_identity
from breakerd.breaker.events.events import Event, Evidence, Signal, ThresholdBreached, Transition
from breakerd.breaker.registry import Registry
from breakerd.breaker.runtime.status import Status
from breakerd.breaker.states import State

if TYPE_CHECKING:
    from breakerd.breaker.breaker import Breaker

_OPENED: Final = {State.OPEN, State.FORCED_OPEN}
_TROUBLES: Final = {Signal.SLO, Signal.ANOMALY, Signal.OVERLOAD, Signal.LOAD}
_TRANSITIONS: Final = 6
"""So many changes of its state are told of a breaker."""
_A_ROUND: Final = 1000
"""So many breakers are looked at in each round beside those of which something was heard."""


@dataclass(frozen=True, slots=True)
class _Sign:
    """When something that speaks against a breaker was heard, and what it was."""

    at: float
    drill: bool
    evidence: Evidence | None = None


class Watcher:
    """Looks at the breakers of a registry, and says which are in trouble; see `Witness`.

    `notice` may be called from any thread, all else from one at a time.

    Args:
        registry: whose breakers are watched.
        settings: what counts as trouble, and what an alert says.
        now: seconds since the epoch.
    """

    def __init__(
        self, registry: Registry, settings: AlertingSettings, now: Callable[[], float]
    ) -> None:
        self.settings = settings
        self._registry = registry
        self._now = now
        self._sightings: dict[str, Sighting] = {}
        self._signs: dict[tuple[str, str], _Sign] = {}
        """(breaker, kind) -> the last sign of that kind."""
        self._heard_of: dict[str, None] = {}
        """Breakers with news since the last look."""
        self._ended: dict[str, Transition] = {}
        self._transitions: dict[str, deque[Transition]] = {}
        """Breaker -> its latest changes of state."""
        self._next = 0
        """Where the round through all breakers goes on."""

    def notice(self, event: Event) -> None:
        """Keeps the evidence. Called by the engine, so it only puts it away."""
        self._heard_of[event.breaker] = None
        if isinstance(event, ThresholdBreached):
            sign = _Sign(self._now(), event.drill, event.evidence)
            kind = policy.TROUBLE if event.signal in _TROUBLES else event.signal.value
            self._signs[event.breaker, kind] = sign
        elif isinstance(event, Transition):
            latest = self._transitions.setdefault(event.breaker, deque(maxlen=_TRANSITIONS))
            latest.append(event)
            if event.to_state in _OPENED:
                self._signs[event.breaker, policy.OPEN] = _Sign(self._now(), event.drill)
            elif event.to_state is not State.HALF_OPEN:
                self._ended[event.breaker] = event

    def look(self, now: float) -> None:
        """Looks at the breakers there was news of, and at some of the others in turn."""
        for name in self._due():
            breaker = self._registry.find(name)
            kinds = policy.causes(breaker, self.settings.opsgenie) if breaker else ()
            if breaker is None or not kinds:
                self._sightings.pop(name, None)
                continue
            known = self._sightings.get(name)
            sign = self._signs.get((name, kinds[0]))
            if known is None or known.kind != kinds[0] or (sign and sign.drill != known.drill):
                since = min(now, sign.at) if sign else now
                drill = sign.drill if sign else (breaker.status()["drill"] or None)
                self._sightings[name] = Sighting(name, kinds[0], since, drill)

    def _due(self) -> Iterable[str]:
        names = self._registry.names()
        heard_of, self._heard_of = self._heard_of, {}
        if len(names) <= _A_ROUND:
            return dict.fromkeys((*names, *self._sightings))
        gone = self._sightings.keys() - set(names)
        start = self._next if self._next < len(names) else 0
        self._next = start + _A_ROUND
        return dict.fromkeys((*heard_of, *gone, *names[start : self._next]))

    # --- as a witness

    @property
    def sightings(self) -> Mapping[str, Sighting]:
        """The breakers that are in trouble, by name."""
        return self._sightings

    def content(self, sighting: Sighting) -> Content:
        """What an alert for that says."""
        identity = resolve_identity(self.settings.opsgenie)
        return compose(self._trouble(sighting), self.settings, identity)

    def why(self, sighting: Sighting) -> str:
        """The evidence, in a sentence."""
        return cause(self._trouble(sighting))

    def seen(self, breaker: str) -> str:
        """What that breaker looks like now; empty if it is not configured any more."""
        found = self._registry.find(breaker)
        return state_summary(found.status()) if found else ""

    def worst(self, breaker: str) -> Worst | None:
        """Its figures now."""
        found = self._registry.find(breaker)
        return worst_of(found.status()) if found else None

    def ended_by(self, breaker: str) -> str:
        """What made it well again."""
        event = self._ended.get(breaker)
        return ended_by(event) if event else ""

    @property
    def ended(self) -> dict[str, str]:
        """What made breakers well again, by name."""
        return {name: self.ended_by(name) for name in list(self._ended)}

    def _trouble(self, sighting: Sighting) -> Trouble:
        breaker: Breaker = self._registry.get(sighting.breaker)
        status = breaker.status()
        sign = self._signs.get((sighting.breaker, sighting.kind))
        return Trouble(
            kind=sighting.kind,
            drill=sign.drill if sign else status["drill"],
            reason=status["reason"] or sighting.kind,
            note=status["note"],
            evidence=(sign.evidence,) if sign and sign.evidence else _evidence(status),
            status=status,
            transitions=tuple(self._transitions.get(sighting.breaker, ())),
        )


def _evidence(status: Status) -> tuple[Evidence, ...]:
    """The evidence on which a breaker opened."""
    return tuple(
        Evidence(
            signal=Signal(report["signal"]),
            value=report["value"],
            threshold=report["threshold"],
            unit=report["unit"],
            samples=report["samples"],
            detail=report["detail"],
        )
        for report in status["evidence"]
    )
