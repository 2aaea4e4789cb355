"""Silences between hosts: each keeps them in its own database, and the hub brings them to all."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from breakerd.alerts.model.silence import Silence
from breakerd.breaker.encoding.strict_json import dumps
from breakerd.breaker.errors import NotStoredError
from breakerd.breaker.fleet.hub.store import SILENCES, Changes, Entry
from breakerd.breaker.fleet.runtime.topics import NotReadyError
from breakerd.breaker.logging import get_logger

if TYPE_CHECKING:
    from breakerd.alerts.alerting import Alerting
    from breakerd.breaker.fleet.runtime.fleet import Fleet

_log = get_logger(__name__)

_SECONDS: Final = ("starts_at", "ends_at")
"""Times, which are seconds from the hub's time of the write on: clocks of hosts differ."""


class SharedSilences:
    """Brings silences that are added or ended here to other hosts, and theirs to this one.

    The processes of one host share a database: with the hub in a file there is nothing to do.

    Args:
        alerting: alerting of this process.
        fleet: membership of this process.
    """

    topic: Final = SILENCES

    def __init__(self, alerting: "Alerting", fleet: "Fleet") -> None:
        self._alerting = alerting
        self._fleet = fleet
        self._epoch = ""
        alerting.on_silence = self._share
        fleet.follow(self)

    def take(self, changes: Changes) -> None:
        """Add the silences of other hosts; bring back what the hub has forgotten."""
        try:
            self._alerting.merge_silences(lambda now: _silences(changes, now))
        except NotStoredError as error:
            raise NotReadyError from error
        if changes.epoch != self._epoch:
            self._epoch = changes.epoch
            there = {each.key for each in changes.entries}
            now, known = self._alerting.known_silences()
            for silence in known:
                if silence.id not in there:
                    self._share(silence, now)

    def _share(self, silence: Silence, now: float) -> None:
        if not self._fleet.settings.address.remote:
            return
        data = silence.as_dict()
        text = dumps({**data, **{name: data[name] - now for name in _SECONDS}})
        try:
            self._fleet.publish(SILENCES, silence.id, text)
        except ValueError as error:
            _log.warning("a silence is on this host only", id=silence.id, problem=str(error))


def _silences(changes: Changes, now: float) -> Iterator[Silence]:
    """Yield the silences that can be read; what somebody else has written there is left out."""
    for entry in changes.entries:
        try:
            yield _silence(entry, now - (changes.now - entry.at))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            _log.warning("a silence at the hub is invalid", key=entry.key, problem=repr(error))


def _silence(entry: Entry, written_at: float) -> Silence:
    silence = Silence.from_dict(json.loads(entry.value))
    if silence.id != entry.key or not all(
        isinstance(text, str) for text in (silence.id, silence.author, silence.reason)
    ):
        raise ValueError("it is no silence")
    starts_at, ends_at = silence.starts_at + written_at, silence.ends_at + written_at
    return replace(silence, starts_at=starts_at, ends_at=ends_at)
