"""First line of an alert: who, what, how bad, since when, and what it means for users."""

from typing import Final

from breakerd.alerts.content.sentences.impact import effect
from breakerd.alerts.content.summary import Summary
from breakerd.alerts.content.topics import Topic
from breakerd.alerts.model.limits import MESSAGE
from breakerd.alerts.model.text import format_time, names_within, truncate

_MIN_NAMES: Final = 30
"""Number of characters for which the names of breakers come before what is said of them."""


def message(summary: Summary, service: str) -> str:
    """Return the first line, of at most 130 characters.

    Args:
        summary: the incident.
        service: name of the service; empty if it has none.
    """
    drill = "[DRILL] " if summary.incident.drill else ""
    names = summary.names
    wanted = min(len(", ".join(names)), _MIN_NAMES)
    for prefix in dict.fromkeys([f"{drill}{service}/" if service else drill, drill]):
        for tail in _tails(summary):
            room = MESSAGE - len(prefix) - len(tail)
            if room >= wanted:
                return prefix + names_within(names, room) + tail
    subject = drill + names_within(names, _MIN_NAMES)
    return truncate(subject + _tails(summary)[-1], MESSAGE)


def _tails(summary: Summary) -> list[str]:
    """Return what is said of the breakers: the longest that says most, and shorter ones."""
    head, cause = f" {summary.head}", summary.cause_in_group
    means = effect(summary)
    means = f"{_joint(summary, cause)}{means}" if means else ""
    held = _held(summary)
    by = ("; it was: " if summary.over else ": ") if cause else ""
    return list(
        dict.fromkeys(
            [
                f"{head}{by}{cause}{means}{held}",
                f"{head}{by}{cause}{means}",
                f"{head}{by}{cause}",
            ]
        )
    )


def _joint(summary: Summary, cause: str) -> str:
    return "; " if cause and (summary.topic is Topic.OPERATOR or len(summary.names) > 1) else ", "


def _held(summary: Summary) -> str:
    """Return until when it was held back; empty if it was not."""
    ended = [hold for hold in summary.incident.holds if hold.until]
    if not ended:
        return ""
    hold = ended[-1]
    since, until = (
        format_time(each, summary.now, seconds=False) for each in (hold.since, hold.until)
    )
    return f" (held {since}–{until} UTC)"  # noqa: RUF001 - from one time to the other
