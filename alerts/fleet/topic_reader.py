"""Reader of a topic of the hub, which asks only where there is something new."""

from typing import NamedTuple

from breakerd.alerts.fleet.link import HubView
from breakerd.breaker.fleet.hub.store import Entry


class TopicNews(NamedTuple):
    """News of a topic.

    Attributes:
        now: hub time in seconds.
        entries: entries that are new, oldest first.
        whole: True if these are all that there are.
        anew: True if the hub has forgotten, or has gone back: versions that were read before may
            be given again.
    """

    now: float
    entries: tuple[Entry, ...]
    whole: bool
    anew: bool


class TopicReader:
    """Reads one topic. For one thread.

    Args:
        topic: name of the topic.
    """

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._told: tuple[str, int] = ("", -1)
        """Epoch and version that the hub told with an exchange when it was read last."""
        self._epoch = ""
        self._version = 0

    def read(self, hub: HubView, *, whole: bool = False) -> TopicNews | None:
        """Return what is new; None if there is nothing.

        Args:
            hub: the hub.
            whole: return all entries, whatever was read before.

        Raises:
            HubUnavailableError: the hub does not answer.
        """
        told = (hub.epoch, hub.versions.get(self._topic, 0))
        if told == self._told and not whole:
            return None
        changes = hub.store.changes(self._topic, self._epoch, 0 if whole else self._version)
        went_back = changes.epoch == self._epoch and changes.version < self._version
        if went_back and not whole:
            changes = hub.store.changes(self._topic, self._epoch, 0)
        anew = went_back or changes.epoch != self._epoch
        self._told, self._epoch, self._version = told, changes.epoch, changes.version
        return TopicNews(changes.now, changes.entries, whole or anew, anew)
