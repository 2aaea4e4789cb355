"""Summary of an incident: what is wrong, how bad, since when, and what it means for users."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from breakerd.alerts.content.facts import BreakerFacts, by_breaker, lookup, number
from breakerd.alerts.content.topics import Topic, topic_of
from breakerd.alerts.content.wording import cause_of, operator_note
from breakerd.alerts.model.content import AlertContext
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.text import format_duration, ordinal, percent

_HEADS: Final = {
    Topic.SLOW: "slow",
    Topic.MEMORY_HIGH: "memory high",
    Topic.OVERLOAD: "overloaded",
    Topic.ANOMALY: "not as usual",
    Topic.MACHINE_LOAD: "on an overloaded machine",
}
_TROUBLE: Final = {Topic.HANG: "hanging", Topic.ERRORS: "failing", Topic.LATENCY: "slow"}
"""Conditions of a breaker that rejects nothing, by a topic of an open one."""
_STATES: Final = {"HALF_OPEN": "HALF OPEN", "FORCED_OPEN": "FORCED OPEN"}
_EXACT_AGE: Final = 120.0
"""Seconds from which an age is given in whole minutes."""
_MIN_AGE: Final = 1.0
"""Seconds below which a message gives no age."""


@dataclass(frozen=True)
class Summary:
    """An incident with the present facts of its breakers.

    Attributes:
        incident: the incident.
        breakers: merged facts of its breakers, in the order in which they joined; at least one.
        now: seconds since the epoch.
        present: True: what is wrong is that of now, also if the incident is over.
    """

    incident: Incident
    breakers: Sequence[BreakerFacts]
    now: float
    present: bool = False

    @classmethod
    def of(
        cls,
        incident: Incident,
        facts: Sequence[AlertContext],
        now: float,
        *,
        present: bool = False,
    ) -> "Summary":
        """Return the summary of an incident.

        Args:
            incident: the incident.
            facts: present facts of its breakers in all processes; at least one.
            now: seconds since the epoch.
            present: see the attribute.
        """
        return cls(incident, by_breaker(incident.members, facts), now, present)

    @property
    def names(self) -> list[str]:
        """Names of all breakers of the incident."""
        return list(self.incident.members)

    @cached_property
    def worst(self) -> BreakerFacts:
        """Facts of the breaker that is worst."""
        members = self.incident.members

        def rank(facts: BreakerFacts) -> tuple[bool, bool, float]:
            member = members.get(facts.name)
            active = member is not None and not member.recovered
            return active, facts.first.kind == self.incident.kind, facts.severity

        return max(self.breakers, key=rank)

    @property
    def over(self) -> bool:
        """True if the cause is gone."""
        return self.incident.phase is not Phase.ACTIVE and not self.present

    @cached_property
    def topic(self) -> Topic:
        """What is wrong; what was wrong, once it is over."""
        known = self.incident.content.topic
        if self.over and known in set(Topic):
            return Topic(known)
        return topic_of(self.worst)

    @cached_property
    def cause(self) -> str:
        """Return what is wrong with its figures; what was wrong, once it is over."""
        if self.over and self.incident.content.topic:
            return self.incident.content.cause
        return cause_of(self.worst, self.topic)

    @property
    def cause_for_later(self) -> str:
        """Return what is wrong as it is told once it is over."""
        if self.over or self.topic is not Topic.OPERATOR:
            return self.cause
        who, why = operator_note(self.worst)
        return f"opened by {who}" + (f": {why}" if why else "")

    @property
    def age(self) -> float:
        """Seconds since the incident began."""
        return max(0.0, self.now - self.incident.opened_at)

    @property
    def lasted(self) -> float:
        """Seconds from its beginning to its end, or until now."""
        ended = self.incident.resolving_since if self.over else self.now
        return max(0.0, (ended or self.now) - self.incident.opened_at)

    @property
    def state(self) -> str:
        """Return the present state of the worst breaker, as people read it."""
        state = self.worst.state.replace("_", " ")
        would = self.worst.would_be.replace("_", " ")
        return f"{state}, would be {would}" if would else state

    # --- parts of sentences

    @property
    def head(self) -> str:
        """Return what is wrong, since when and how urgent: `OPEN 21 s, now P1`."""
        return self.condition + ("" if self.over else self.urgency)

    @property
    def condition(self) -> str:
        """Return what is wrong and since when: `OPEN 21 s`, `slow for 2 min`."""
        if self.over:
            return f"well again after {format_duration(self.lasted)}"
        if self.topic is Topic.OPERATOR:
            ago = f" {_age(self.age)} ago" if self.age >= _MIN_AGE else ""
            return f"opened by {operator_note(self.worst)[0]}{ago}"
        if self.topic is Topic.RESTART:
            return "still open since before the restart"
        if self.topic is Topic.SERVICE_LEVEL:
            its = "miss their" if len(self.names) > 1 else "misses its"
            return f"{its} service level{self._for}"
        if self.topic in _HEADS or not (self.worst.would_be or self.worst.rejects):
            return f"{_HEADS.get(self.topic) or _TROUBLE.get(self.topic, 'in trouble')}{self._for}"
        return self._open

    @property
    def _open(self) -> str:
        """Return the state that rejects calls, or would, and since when."""
        would = self.worst.would_be
        state = f"would be {_state(would)}" if would else _state(self.rejecting_state)
        age = _age(self.age) if self.age >= _MIN_AGE else ""
        if self.incident.episodes > 1:
            times = f"{state} for the {ordinal(self.incident.episodes)} time"
            return f"{times} in {age}" if age else times
        return f"{state} {age}".rstrip()

    @property
    def rejecting_state(self) -> str:
        """Return the state of the worst breaker; `OPEN` while only probes are let through."""
        worst = self.worst
        ramps = lookup(worst.status, ("recovery", "phase")) in ("ramp", "memory")
        return "OPEN" if worst.state == "HALF_OPEN" and not ramps else worst.state

    @property
    def urgency(self) -> str:
        """Return the priority if it was raised; empty at the first."""
        return f", now {self.incident.priority}" if self.incident.stage else ""

    @property
    def effect(self) -> str:
        """Return in a few words what it means for calls: `61% rejected`."""
        counts = self.incident.counts
        group = "in all " if len(self.names) > 1 else ""
        if self.over:
            return ""
        if self.worst.would_be:
            return "nothing rejected (OBSERVE)"
        if counts.rejected and (self.worst.rejects or self.topic is not Topic.OVERLOAD):
            if counts.rejected == counts.all:
                return f"all {counts.rejected:,} calls rejected"
            return f"{group}{percent(counts.rejected / counts.all)} rejected"
        if self.topic is Topic.OVERLOAD:
            return ""
        return self.passing

    @property
    def passing(self) -> str:
        """Return which calls pass, from the state alone."""
        worst = self.worst
        share = number(lookup(worst.status, ("recovery", "share")))
        if worst.would_be:
            return "nothing rejected (OBSERVE)"
        if worst.state == "HALF_OPEN":
            return f"{percent(share)} of calls let through" if share else "only probes let through"
        if worst.rejects or worst.true("load", "rejects"):
            return "all calls rejected" if self._all_reject else "some calls rejected"
        if self.topic is Topic.OVERLOAD:
            return "some calls turned away"
        return "no calls rejected"

    @property
    def impact(self) -> str:
        """Return what it has meant for calls so far, in a sentence without its full stop."""
        counts, worst = self.incident.counts, self.worst
        now = f"{self.passing} at present"
        if worst.would_be:
            now = "no call is rejected, since it only observes"
        if not counts.all:
            return now
        parts = [f"{counts.rejected:,} of {counts.all:,} calls rejected"]
        if counts.rejected:
            parts = [f"{parts[0]} ({percent(counts.rejected / counts.all)})"]
        if counts.error:
            parts.append(f"{counts.error:,} failed ({percent(counts.error / counts.all)})")
        return f"{', '.join(parts)} since it began; {now}"

    @property
    def _all_reject(self) -> bool:
        """True if every breaker rejects all calls, as far as that is known."""
        return len(self.breakers) == 1 or all(
            each.state in {"OPEN", "FORCED_OPEN"} or each.true("load", "rejects")
            for each in self.breakers
        )

    @property
    def _for(self) -> str:
        return f" for {_age(self.age)}" if self.age >= _MIN_AGE else ""


def _age(seconds: float) -> str:
    """Return an age as text, in whole minutes from two minutes on."""
    return format_duration(seconds if seconds < _EXACT_AGE else round(seconds / 60) * 60)


def _state(state: str) -> str:
    return _STATES.get(state, state.replace("_", " ")) or "in trouble"
