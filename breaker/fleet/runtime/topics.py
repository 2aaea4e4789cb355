"""Topics of the hub's store, as one process reads and writes them: on the fleet's thread."""

from collections import OrderedDict
from collections.abc import Iterator
from threading import Lock
from typing import Final, NamedTuple, Protocol

from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.hub.store import (
    Changes,
    Entry,
    SharedStore,
    WriteRefusedError,
    check_entry,
    version_of,
)
from breakerd.breaker.fleet.messages import View
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_MAX_WAITING: Final = 1_000
"""Maximum number of entries that wait for the hub; the oldest are dropped."""
_AT_ONCE: Final = 20
"""Maximum number of entries written between two exchanges."""
_ATTEMPTS: Final = 3
"""Maximum number of attempts to write an offer between two exchanges."""


class NotReadyError(Exception):
    """A follower cannot take anything yet: it is given the same with the next exchange."""


class TopicFollower(Protocol):
    """Reader of one topic; compared by identity."""

    @property
    def topic(self) -> str:
        """Return the name of the topic."""
        ...

    def take(self, changes: Changes) -> None:
        """Take what is new in the topic, on the fleet's thread.

        After the hub has forgotten everything, or has gone back, these are all entries that there
        are now, perhaps none: what is to be kept is brought back by `Topics.publish`.

        Raises:
            NotReadyError: it is to be given the same with the next exchange.
        """
        ...


class Offer(Protocol):
    """Entry whose text depends on what the hub has; called on the fleet's thread."""

    def text(self, present: Entry | None) -> str | None:
        """Return the text to write in the place of `present`; None if that is to stay.

        Raises nothing. None as `present` says that there is no entry, as far as is known.
        """
        ...

    def settled(self) -> None:
        """Note that it was written, or that the present entry stays. Raises nothing."""
        ...


class _Seen(NamedTuple):
    """Epoch and version that a follower has taken."""

    epoch: str = ""
    version: int = 0


class Topics:
    """Followers, and the entries that wait to be written. Thread-safe, but for `exchange`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._followers: dict[TopicFollower, _Seen] = {}
        self._waiting: OrderedDict[tuple[str, str], str | Offer] = OrderedDict()
        """(topic, key) -> text, or offer, of each entry to be written."""
        self._dropped = False

    def follow(self, follower: TopicFollower) -> None:
        """Give a follower all that is in its topic, after the next exchange, and what is new."""
        with self._lock:
            self._followers[follower] = _Seen()

    def publish(self, topic: str, key: str, value: str) -> None:
        """Write an entry as soon as the hub answers; of two with the same key the later one.

        At most 1,000 wait, and are lost with the process.

        Raises:
            ValueError: the topic is not known, or the text is too long.
        """
        check_entry(topic, value)
        self._add(topic, key, value)

    def offer(self, topic: str, key: str, offer: Offer) -> None:
        """Write an entry as soon as the hub answers, by what it has; else as `publish`.

        Raises:
            ValueError: the topic is not known, or the text is too long.
        """
        check_entry(topic, offer.text(None) or "")
        self._add(topic, key, offer)

    def _add(self, topic: str, key: str, value: str | Offer) -> None:
        with self._lock:
            self._waiting.pop((topic, key), None)
            self._waiting[topic, key] = value
            surplus = len(self._waiting) > _MAX_WAITING
            if surplus:
                self._waiting.popitem(last=False)
            told, self._dropped = self._dropped, self._dropped or surplus
        if surplus and not told:
            _log.warning("entries for the other processes are dropped: the hub is away too long")

    @property
    def waits(self) -> bool:
        """True if an entry waits to be written."""
        return bool(self._waiting)

    def for_child(self) -> "Topics":
        """Return the same followers for a forked child, which have taken nothing there."""
        child = Topics()
        child._followers = dict.fromkeys(self._followers, _Seen())
        return child

    def exchange(self, store: SharedStore, view: View) -> None:
        """Write what waits, and give followers what is new; never raises. For one thread."""
        try:
            self._write(store)
            for follower in list(self._followers):
                self._read(store, follower, view)
        except HubUnavailableError:
            return  # the next exchange tells why, and brings what is left

    def _write(self, store: SharedStore) -> None:
        for place in self._next():
            value = self._waiting.get(place)
            if value is None:
                continue  # dropped meanwhile
            if isinstance(value, str):
                store.write(*place, value)
            elif not _write_offer(store, *place, value):
                continue  # others are writing it: with the next exchange
            with self._lock:
                if self._waiting.get(place) is value:
                    del self._waiting[place]
        if not self._waiting:
            self._dropped = False

    def _next(self) -> Iterator[tuple[str, str]]:
        with self._lock:
            places = list(self._waiting)[:_AT_ONCE]
        yield from places

    def _read(self, store: SharedStore, follower: TopicFollower, view: View) -> None:
        seen = self._followers[follower]
        newest = dict(view.topics).get(follower.topic, 0)
        if seen == (view.epoch, newest):
            return
        after = seen.version if newest >= seen.version else 0
        changes = store.changes(follower.topic, seen.epoch, after)
        try:
            follower.take(changes)
        except NotReadyError:
            return
        except Exception:  # noqa: BLE001 - other followers, and the exchanges, go on
            _log.exception("changes of a topic were not taken", topic=follower.topic)
        with self._lock:
            self._followers[follower] = _Seen(changes.epoch, changes.version)


def _write_offer(store: SharedStore, topic: str, key: str, offer: Offer) -> bool:
    """Return False if others have written the entry again and again meanwhile."""
    present: Entry | None = None
    for _ in range(_ATTEMPTS):
        text = offer.text(present)
        if text is None:
            break
        try:
            store.write(topic, key, text, expected=version_of(present))
            break
        except WriteRefusedError as error:
            present = error.entry
    else:
        return False
    offer.settled()
    return True
