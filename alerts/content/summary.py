"""Summary of an incident: what is wrong, how bad, since when, and what it means for users."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Self

from breakerd.alerts.content.facts import BreakerFacts, by_breaker
from breakerd.alerts.content.topics import Topic, topic_of
from breakerd.alerts.content.wording import cause_of, operator_note
from breakerd.alerts.model.content import AlertContext
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.text import format_duration, ordinal, truncate
from breakerd.breaker.history.slot import HistorySlot

_HEADS: Final = {
    Topic.SLOW: "slow",
    Topic.MEMORY_HIGH: "memory high",
    Topic.OVERLOAD: "overloaded",
    Topic.ANOMALY: "not as usual",
    Topic.MACHINE_LOAD: "on an overloaded machine",
}
_TROUBLE: Final = {Topic.HANG: "hanging", Topic.ERRORS: "failing", Topic.LATENCY: "slow"}
"""Conditions of a breaker that rejects nothing, by a topic of an open one."""
HISTORY: Final = 900.0
"""Seconds before an alert that it shows."""
Recall = Callable[[str, float, float], Sequence[HistorySlot]]
"""Returns the slots of a breaker between two times, in seconds since the epoch."""
_EXACT_AGE: Final = 120.0
"""Seconds from which an age is given in whole minutes."""
_MAX_NAME: Final = 30
"""Maximum number of characters of the name of the worst breaker."""
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
        history: calls of the worst breaker before `now`, oldest first; empty if unknown.
    """

    incident: Incident
    breakers: Sequence[BreakerFacts]
    now: float
    present: bool = False
    history: Sequence[HistorySlot] = ()

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

    def recalling(self, recall: Recall) -> Self:
        """Return the summary with the calls of the worst breaker in the last 15 minutes."""
        return replace(self, history=recall(self.worst.name, self.now - HISTORY, self.now))

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

    @cached_property
    def active(self) -> Sequence[BreakerFacts]:
        """Facts of the breakers that are not well again; of all if none is left."""
        members = self.incident.members
        found = [
            each
            for each in self.breakers
            if each.name in members and not members[each.name].recovered
        ]
        return found or self.breakers

    @property
    def over(self) -> bool:
        """True if the cause is gone."""
        return self.incident.phase is not Phase.ACTIVE and not self.present

    @cached_property
    def topic(self) -> Topic:
        """Topic of the trouble; of the last one, once it is over."""
        known = self.incident.content.topic
        if self.over and known in set(Topic):
            return Topic(known)
        return topic_of(self.worst)

    @cached_property
    def cause(self) -> str:
        """Return what is wrong with its figures; what was wrong, once it is over."""
        if self.over and self.incident.content.topic:
            return self.incident.content.cause
        return _failed(self) or cause_of(self.worst, self.topic)

    @property
    def cause_in_group(self) -> str:
        """Return the cause; in a group with the name of the worst breaker, or for each of them."""
        if len(self.names) == 1 or not self.cause or self.topic is Topic.OPERATOR:
            return self.cause
        if not self.over and len(self.active) > 1 and len(set(map(_cause, self.active))) == 1:
            return f"each {self.cause}"
        return f"worst {truncate(self.worst.name, _MAX_NAME)}, {self.cause}"

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
        """Return what is wrong, since when and where: `OPEN 21 s in 1 of 4 processes`."""
        return self._condition + (f" {self.where}" if self.where else "")

    @property
    def where(self) -> str:
        """Return in how many processes calls are rejected; empty if in all of them, or none."""
        worst = self.worst
        if self.over or worst.would_be or len(self.names) > 1 or not worst.partial:
            return ""
        found = f"in {worst.rejecting_processes:,} of {worst.all_processes:,} processes"
        spread = worst.spread
        if spread.hosts > 1 and spread.rejecting_hosts > 1:
            found += f" on {spread.rejecting_hosts:,} of {spread.hosts:,} hosts"
        return found

    @property
    def _condition(self) -> str:
        if self.over:
            return f"well again after {format_duration(self.lasted)}"
        if self.topic is Topic.OPERATOR:
            ago = f" {_age(self.age)} ago" if self.age >= _MIN_AGE else ""
            return f"opened by {operator_note(self.worst)[0]}{ago}"
        if self.topic is Topic.RESTART:
            return "still open since before the restart"
        if self.topic is Topic.SERVICE_LEVEL:
            many, lasts = len(self.names) > 1, self._for
            its = "their" if many else "its"
            misses = (
                ("have" if many else "has") + " missed" if lasts else "miss" if many else "misses"
            )
            return f"{misses} {its} service level{lasts}"
        if self.topic in _HEADS or not (self.worst.would_be or self.worst.rejects):
            return f"{_HEADS.get(self.topic) or _TROUBLE.get(self.topic, 'in trouble')}{self._for}"
        return self._open

    @property
    def _open(self) -> str:
        """Return the state that rejects calls, or would, and since when."""
        if self.recovering:
            return f"recovering after {_age(self.age)}"
        forced = "FORCED OPEN" if self.worst.state == "FORCED_OPEN" else "OPEN"
        state = "would be OPEN" if self.worst.would_be else forced
        age = _age(self.age) if self.age >= _MIN_AGE else ""
        if self.incident.episodes > 1:
            times = f"{state} for the {ordinal(self.incident.episodes)} time"
            return f"{times} in {age}" if age else times
        return f"{state} {age}".rstrip()

    @property
    def recovering(self) -> bool:
        """True if every breaker that is not well again lets a good share of calls through."""
        return all(each.recovering for each in self.active)

    @property
    def urgency(self) -> str:
        """Return the priority if it was raised; empty at the first."""
        return f", now {self.incident.priority}" if self.incident.stage else ""

    @property
    def _for(self) -> str:
        return f" for {_age(self.age)}" if self.age >= _MIN_AGE else ""


def _cause(facts: BreakerFacts) -> str:
    return cause_of(facts, topic_of(facts))


def _age(seconds: float) -> str:
    """Return an age as text, in whole minutes that have passed from two minutes on."""
    return format_duration(seconds if seconds < _EXACT_AGE else round(seconds) // 60 * 60)


def _failed(summary: Summary) -> str:
    """Return how many calls have failed since it opened; empty if the evidence tells more."""
    counts, evidence = summary.incident.counts, summary.worst.evidence()
    passed = counts.success + counts.error
    told = evidence is not None and bool({"in_a_row", "probe"} & evidence.detail.keys())
    alone = summary.topic is Topic.ERRORS and len(summary.names) == 1
    if not (alone and told and evidence and counts.error > evidence.samples):
        return ""
    which = f"all {passed:,}" if not counts.success else f"{counts.error:,} of {passed:,}"
    return f"{which} calls that were let through failed"
