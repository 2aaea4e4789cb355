"""Topics: what is wrong, more precisely than the kind of an alert; and what to do about it.

Each is a section of docs/runbook.md, whose anchor is the value.
"""

from enum import StrEnum
from typing import Final
from urllib.parse import quote

from breakerd.alerts.content.facts import BreakerFacts, lookup
from breakerd.breaker.events.events import Evidence, Signal


class Topic(StrEnum):
    """Kind of trouble."""

    LATENCY = "open-by-latency"
    ERRORS = "open-by-errors"
    HANG = "open-by-hang"
    MEMORY = "open-by-memory"
    LOAD = "open-by-load"
    OPERATOR = "opened-by-operator"
    RESTART = "open-since-restart"
    SLOW = "slow"
    MEMORY_HIGH = "memory-high"
    OVERLOAD = "overload"
    SERVICE_LEVEL = "service-level"
    ANOMALY = "anomaly"
    MACHINE_LOAD = "machine-load"
    DRILL = "drill"


_BY_SIGNAL: Final = {
    Signal.LATENCY: Topic.LATENCY,
    Signal.ERRORS: Topic.ERRORS,
    Signal.MEMORY: Topic.MEMORY,
    Signal.LOAD: Topic.LOAD,
    Signal.SLO: Topic.ERRORS,
    Signal.ANOMALY: Topic.HANG,
    Signal.OVERLOAD: Topic.LOAD,
}
_DEGRADED: Final = {
    Signal.SLO: Topic.SERVICE_LEVEL,
    Signal.OVERLOAD: Topic.OVERLOAD,
    Signal.ANOMALY: Topic.ANOMALY,
    Signal.LOAD: Topic.MACHINE_LOAD,
    Signal.LATENCY: Topic.SLOW,
    Signal.ERRORS: Topic.SERVICE_LEVEL,
    Signal.MEMORY: Topic.MEMORY_HIGH,
}
_OPERATOR: Final = {"manual", "operator"}

_ACTIONS: Final = {
    Topic.LATENCY: "find out why the dependency is slow (its status, its last release, the "
    "network)",
    Topic.ERRORS: "read the errors of the calls, check the dependency and the last release on "
    "either side",
    Topic.HANG: "see how fast the dependency answers, if at all (its status, its last release, the "
    "network); restart a caller only if its threads or connections are used up",
    Topic.MEMORY: "find what uses the memory of this service; add memory or instances, or restart "
    "the one that leaks",
    Topic.LOAD: "find what loads the machine (CPU, memory, I/O); move or stop it, or add capacity",
    Topic.OPERATOR: "ask whoever opened it, then `breakerd reset --breaker {breaker}`",
    Topic.RESTART: "check the dependency; the process came back with a breaker that was open, and "
    "probes will close it if the cause is gone",
    Topic.SLOW: "find out why calls are slow before the breaker has to open",
    Topic.MEMORY_HIGH: "find what uses the memory of this service before calls are rejected",
    Topic.OVERLOAD: "add capacity to the dependency, or send less; check for retries that multiply "
    "the calls",
    Topic.SERVICE_LEVEL: "read the errors of the calls, and see which are late; check the "
    "dependency and the last release on either side",
    Topic.ANOMALY: "compare with the last release and the traffic",
    Topic.MACHINE_LOAD: "find what loads the machine (CPU, memory, I/O); move or stop it",
    Topic.DRILL: "follow the drill; end it with `breakerd reset --breaker {breaker}`",
}


def topic_of(facts: BreakerFacts) -> Topic:
    """Return what is wrong with a breaker. A drill has the topic that it plays."""
    kind = facts.first.kind
    if kind == "memory":
        return Topic.MEMORY_HIGH
    if kind == "latency":
        return Topic.HANG if _hangs(facts, facts.evidence(Signal.LATENCY)) else Topic.SLOW
    return _degraded(facts) if kind == "degraded" else _open(facts)


def cause_topic(facts: BreakerFacts, evidence: Evidence) -> Topic:
    """Return the topic of one evidence of a breaker."""
    if _hangs(facts, evidence):
        return Topic.HANG
    return (_BY_SIGNAL if facts.first.kind == "open" else _DEGRADED)[evidence.signal]


def is_hang(evidence: Evidence | None) -> bool:
    """Return True if the evidence is of calls that do not return."""
    return evidence is not None and bool(evidence.detail.get("hung_calls"))


def action(topic: Topic, breaker: str) -> str:
    """Return what to do first, as a sentence without its full stop."""
    return _ACTIONS[topic].replace("{breaker}", breaker)


def runbook(url: str, topic: Topic, kind: str, breaker: str) -> str:
    """Return the address of the runbook with its fields filled in; empty if there is none."""
    fields = {"breaker": breaker, "kind": kind, "topic": topic.value}
    for name, value in fields.items():
        url = url.replace(f"{{{name}}}", quote(value, safe=""))
    return url


def _open(facts: BreakerFacts) -> Topic:
    reason, evidence = facts.first.reason, facts.evidence()
    if facts.state == "FORCED_OPEN" or (reason in _OPERATOR and evidence is None):
        return Topic.OPERATOR
    if evidence is None or lookup(facts.status, ("last_transition", "reason")) == "restored":
        # Whatever trips a breaker has evidence, and only a restart loses it.
        return Topic.RESTART
    if _hangs(facts, evidence):
        return Topic.HANG
    return _BY_SIGNAL[evidence.signal]


def _hangs(facts: BreakerFacts, evidence: Evidence | None) -> bool:
    """Return True if calls do not return; those that return late are slow."""
    return is_hang(evidence) and not facts.returns_late


def _degraded(facts: BreakerFacts) -> Topic:
    live, evidence = _live(facts), facts.evidence()
    if live:
        return live[0]
    return _DEGRADED[evidence.signal] if evidence is not None else Topic.ANOMALY


def _live(facts: BreakerFacts) -> list[Topic]:
    """Return what degrades it at present, what users feel most first."""
    return [
        topic
        for topic, present in (
            (Topic.OVERLOAD, facts.true("limiter", "shedding")),
            (Topic.SERVICE_LEVEL, facts.true("slo", "missed")),
            (Topic.MACHINE_LOAD, any(_overloaded(each.status) for each in facts.contexts)),
            (Topic.ANOMALY, isinstance(facts.status.get("anomaly"), dict)),
        )
        if present
    ]


def _overloaded(status: object) -> bool:
    load = status.get("load") if isinstance(status, dict) else None
    return isinstance(load, dict) and load.get("ok") is False
