"""Next steps of a breaker and its alert, in every state. Pure."""

from typing import Final

from breakerd.alerts.content.facts import BreakerFacts, lookup, number, text
from breakerd.alerts.content.summary import Summary
from breakerd.alerts.content.topics import Topic
from breakerd.alerts.model.text import format_duration, percent


def next_step(summary: Summary) -> str:
    """Return what happens next if nobody does anything, as sentences."""
    worst = summary.worst
    if summary.over:
        return f"{worst.name} needs no attention at present; the alert closes if that stays so."
    if worst.would_be:
        observes = "it only observes: it reports, and rejects nothing until somebody enables it."
        return f"{observes} {_of_alert(summary)}".rstrip()
    step = _of_state(worst, summary.topic)
    if len(summary.names) > 1:
        step = step.replace("it ", f"{worst.name} ", 1)
    return f"{step} {_of_alert(summary)}".rstrip()


def _of_state(facts: BreakerFacts, topic: Topic) -> str:
    match facts.state:
        case "FORCED_OPEN":
            return "it rejects every call until somebody resets it."
        case "OPEN" | "HALF_OPEN":
            return _of_recovery(facts)
        case "DISABLED":
            return "it is disabled: it admits every call and decides nothing."
        case "WARMING_UP":
            return (
                "it admits every call while it learns what is normal; only calls in a row that "
                "fail or hang open it."
            )
        case _:
            return _of_closed(facts, topic)


def _of_recovery(facts: BreakerFacts) -> str:
    if blocker := _probe_blocker(facts):
        return f"it stays open until {blocker} below its limit."
    phase = text(lookup(facts.status, ("recovery", "phase")))
    if phase == "ramp":
        share = number(lookup(facts.status, ("recovery", "share"))) or 0.0
        passing = (
            f"{percent(share)} of the calls" if 0 < share < 1 else "as many as are served well"
        )
        return f"it lets {passing} through, then more; it closes if they go well."
    if phase in _OF_PHASE:
        return _OF_PHASE[phase]
    left = number(lookup(facts.status, ("recovery", "seconds_left"))) or 0.0
    if left < 1:
        return "it tries the next calls as probes; it closes if they succeed."
    wait = format_duration(left)
    return f"it lets a few calls through as probes in {wait}; it closes if they succeed."


_OF_PHASE: Final = {
    "probes": "it has let a few calls through as probes: if they succeed, more follow and it "
    "closes; if one fails, all are rejected again.",
    "memory": "it lets calls through while memory is below its limit.",
}


def _probe_blocker(facts: BreakerFacts) -> str:
    """Return what prevents probes; empty if nothing does."""
    if lookup(facts.status, ("memory_ok",)) is False:
        return "memory is"
    return "the load is" if facts.true("load", "rejects") else ""


def _of_closed(facts: BreakerFacts, topic: Topic) -> str:
    if facts.true("load", "rejects"):
        return "it rejects every call until the load is below its limit."
    return _OF_TOPIC.get(topic, "it admits calls and keeps watching.")


_OF_TOPIC: Final = {
    Topic.OVERLOAD: "it goes on admitting as many calls as are served well, and turns the others "
    "away; the limit follows what it measures.",
    Topic.SERVICE_LEVEL: "it admits every call; it opens only if almost all of them fail, or if a "
    "threshold is crossed.",
    Topic.MACHINE_LOAD: "it admits every call: load is reported and rejects nothing.",
    Topic.ANOMALY: "it admits every call: what is unusual is reported and rejects nothing.",
    Topic.SLOW: "it admits calls; it opens if they stay slow.",
    Topic.MEMORY_HIGH: "it admits calls; it rejects them where memory opens it.",
}


def _of_alert(summary: Summary) -> str:
    """Return when the alert becomes more urgent; empty if it does not."""
    incident = summary.incident
    at = incident.escalates_at
    if at is None or incident.handled or incident.stage + 1 >= len(incident.stages):
        return ""
    priority = incident.stages[incident.stage + 1].priority
    left = format_duration(max(1.0, at - summary.now))
    return f"The alert becomes {priority} in {left} unless somebody acknowledges it."
