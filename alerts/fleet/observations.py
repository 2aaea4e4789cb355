"""Observations between hosts: those that do not send tell the sender what their processes see."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from breakerd.alerts.fleet.clocks import shifted
from breakerd.alerts.fleet.link import HubView
from breakerd.alerts.fleet.soundness import UNREADABLE, sound_report
from breakerd.alerts.fleet.topic_reader import TopicReader
from breakerd.alerts.incidents.observation import (
    ObservationSource,
    PeerReport,
    merge_observations,
)
from breakerd.alerts.model.content import AlertContext
from breakerd.breaker.fleet.hub.store import MAX_VALUE, OBSERVATIONS, Entry
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_INTERVAL: Final = 5.0
"""Seconds between two reports of a host with trouble, if nothing has changed."""
_MAX_AGE: Final = 15.0
"""Seconds after which the report of a silent host does not count any more."""
_MAX_SIZE: Final = 262_144
"""Maximum number of characters of a report; facts of breakers are left out beyond it."""
_FACTS: Final = (20, 5, 1, 0)
"""Numbers of breakers of each process whose facts are told, as far as there is room."""
_MOST_URGENT: Final = (4_000, 1_000, 100)
"""Numbers of breakers of the whole host that are told if those of each process are too many."""
_NEVER: Final = float("-inf")


class ObservationRelay:
    """Tells the sender what the processes of this host observe. For one thread.

    Args:
        key: id of this host's leader.
        now: returns seconds since the epoch.
    """

    def __init__(self, key: str, now: Callable[[], float]) -> None:
        self._key = key
        self._now = now
        self._told: object = {}
        self._told_at = _NEVER
        self._until = _NEVER
        self._prepared: tuple[object, float] = ({}, _NEVER)
        self._text = ""

    def prepare(self, sources: Sequence[ObservationSource], linger: float) -> None:
        """Prepare what has changed; in trouble, once in five seconds also what has not.

        Args:
            sources: the processes of this host.
            linger: seconds after the end of trouble in which it is told what has ended it.
        """
        now = self._now()
        seen = {each.process: dict(each.observations) for each in sources if each.observations}
        if changed := seen != self._told:
            self._until = now + linger
        due = now - self._told_at >= _INTERVAL and (seen or now < self._until)
        self._text = _text(now, sources) if changed or due else ""
        self._prepared = seen, now

    def tell(self, hub: HubView) -> None:
        """Tell what was prepared.

        Raises:
            HubUnavailableError: the hub does not answer; it is told with the next round.
        """
        if self._text:
            hub.store.write(OBSERVATIONS, self._key, self._text)
            self._told, self._told_at = self._prepared
            self._text = ""

    def forget(self) -> None:
        """Tell everything anew: there is another sender, or the hub was away."""
        self._told, self._told_at = {}, _NEVER

    def remove(self, hub: HubView, key: str = "") -> None:
        """Remove the report of this host's leader, or of the one before.

        Raises:
            HubUnavailableError: the hub does not answer.
        """
        hub.store.write(OBSERVATIONS, key or self._key, "")


class RemoteReports:
    """Reports of other hosts, as the sender has them. For one thread.

    Args:
        key: id of this host's leader, whose own report does not count.
        now: returns seconds since the epoch.
    """

    def __init__(self, key: str, now: Callable[[], float]) -> None:
        self._key = key
        self._now = now
        self._reader = TopicReader(OBSERVATIONS)
        self._hosts: dict[str, _HostReport] = {}

    def read(self, hub: HubView) -> None:
        """Read what is new.

        Raises:
            HubUnavailableError: the hub does not answer.
        """
        news = self._reader.read(hub)
        for entry in news.entries if news is not None else ():
            at = self._now() - (news.now - entry.at if news is not None else 0.0)
            self._hosts[entry.key] = _HostReport(at, _reports(entry, at))

    def sources(self) -> list[PeerReport]:
        """Return the reports of all processes on other hosts that are not out of date."""
        oldest = self._now() - _MAX_AGE
        self._hosts = {
            key: each for key, each in self._hosts.items() if each.at >= oldest and key != self._key
        }
        return [report for each in self._hosts.values() for report in each.reports]


class _HostReport(NamedTuple):
    """Reports of the processes of one host, and when they were written, in this host's time."""

    at: float
    reports: Sequence[PeerReport]


def _text(now: float, sources: Sequence[ObservationSource]) -> str:
    """Return reports of the processes as JSON, with as many facts as there is room for."""
    reports, text = [_report(each) for each in sources], ""
    for most in _FACTS:
        trimmed = [replace(each, contexts=_first(each.contexts, most)) for each in reports]
        told = [each.as_dict() for each in trimmed if each.observations or each.closing_reasons]
        text = json.dumps({"now": now, "reports": told})
        if len(text) <= _MAX_SIZE:
            break
    for most in _MOST_URGENT if len(text) > MAX_VALUE else ():
        text = json.dumps({"now": now, "reports": [_most_urgent(reports, most).as_dict()]})
        if len(text) <= MAX_VALUE:
            break
    return text


def _most_urgent(reports: Sequence[PeerReport], most: int) -> PeerReport:
    """Return one report of all processes: each breaker once, and the most urgent ones only."""
    found = [observation for observation, _ in merge_observations(reports).values()]
    found.sort(key=lambda each: each.rank, reverse=True)
    return PeerReport(reports[0].process, {each.breaker: each for each in found[:most]})


def _report(source: ObservationSource) -> PeerReport:
    if isinstance(source, PeerReport):
        return source
    return PeerReport.from_source(source, source.closing_reasons)


def _first(contexts: Mapping[str, AlertContext], most: int) -> dict[str, AlertContext]:
    return dict(list(contexts.items())[:most])


def _reports(entry: Entry, at: float) -> list[PeerReport]:
    """Return the reports of an entry, in this host's time; none if somebody else has written it."""
    if not entry.value:
        return []
    try:
        data = json.loads(entry.value)
        moved = shifted(data["reports"], at - data["now"])
        return [sound_report(PeerReport.from_dict(each)) for each in moved]
    except UNREADABLE as error:
        _log.warning("a report at the hub is invalid", key=entry.key, problem=repr(error))
        return []
