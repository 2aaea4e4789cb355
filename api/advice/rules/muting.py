"""Rules about what keeps alerts back."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import time
from typing import Final

from breakerd.alerts.settings.maintenance import MaintenanceSettings
from breakerd.api.advice.rule import Concern, Rule, Subject

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = 24 * 60
_WEEK: Final = 7 * _DAY
_ANY: Final = "*"


def _maintenance_always(subject: Subject) -> Iterator[Concern]:
    """Find windows that together leave no minute of the week, of equal matchers and time zone."""
    groups: dict[object, dict[str, MaintenanceSettings]] = defaultdict(dict)
    for name, window in subject.settings.alerting.alerts.maintenance.items():
        groups[frozenset(window.matchers), window.timezone][name] = window
    for windows in groups.values():
        if _cover_week(windows.values()):
            whom = "the alerts that they match" if any(_matchers(windows)) else "all alerts"
            text = f"it is never over: {whom} are muted at every minute of the week"
            yield Concern(text, tuple(("alerts", "maintenance", name) for name in windows))


def _matchers(windows: dict[str, MaintenanceSettings]) -> Iterator[tuple[str, ...]]:
    return (window.matchers for window in windows.values())


def _cover_week(windows: Iterable[MaintenanceSettings]) -> bool:
    muted = bytearray(_WEEK)
    for window in windows:
        begin, length = _minutes(window)
        for day in window.days:
            first = _DAYS.index(day) * _DAY + begin
            for minute in range(first, first + length):
                muted[minute % _WEEK] = 1
    return all(muted)


def _minutes(window: MaintenanceSettings) -> tuple[int, int]:
    """Return the minute of the day at which a window begins, and its minutes."""
    begins, ends = time.fromisoformat(window.begins), time.fromisoformat(window.ends)
    begin = begins.hour * 60 + begins.minute
    return begin, (ends.hour * 60 + ends.minute - begin) % _DAY or _DAY


def _maintenance_never(subject: Subject) -> Iterator[Concern]:
    for name, window in subject.settings.alerting.alerts.maintenance.items():
        if not window.days:
            text = "with no day it never begins: name some, or remove the window"
            yield Concern(text, (("alerts", "maintenance", name, "days"),))


def _inhibits_everything(subject: Subject) -> Iterator[Concern]:
    for name, rule in subject.settings.alerting.alerts.inhibition.items():
        if not rule.equal and _takes_all(rule.source) and _takes_all(rule.target):
            text = "any incident mutes every other one: narrow `source` or `target`, or set `equal`"
            at = ("alerts", "inhibition", name)
            yield Concern(text, ((*at, "source"), (*at, "target"), at))


def _takes_all(matchers: tuple[str, ...]) -> bool:
    return all(matcher.partition("=")[2] == _ANY and "!" not in matcher for matcher in matchers)


RULES: Final = (
    Rule(
        "maintenance-always",
        "Maintenance windows leave no minute of the week: alerts are always muted.",
        _maintenance_always,
    ),
    Rule(
        "maintenance-never",
        "A maintenance window without days never begins.",
        _maintenance_never,
    ),
    Rule(
        "inhibits-everything",
        "An inhibition rule takes any incident as source and as target: the first mutes all "
        "others.",
        _inhibits_everything,
    ),
)
