"""Store of a hub on a server: each operation is one run of the script."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from breakerd.breaker.fleet.hub.store import (
    TOPICS,
    WRONG_TERM,
    WRONG_VERSION,
    Changes,
    Entry,
    Fence,
    LeaseTerm,
    WriteRefusedError,
    check_entry,
    check_topic,
)

_REFUSALS: Final = {"term": WRONG_TERM, "version": WRONG_VERSION}
_NO_TOPIC: Final = ""


class RedisStore:
    """Topics and leases on Redis or Valkey; see `SharedStore`. Thread-safe.

    Args:
        run: runs an operation on the keys of a topic; given its name and arguments.
    """

    def __init__(self, run: Callable[[str, Sequence[str]], bytes]) -> None:
        self._run = run

    def changes(self, topic: str, epoch: str = "", after: int = 0) -> Changes:
        """Return what is new in a topic."""
        check_topic(topic)
        present, version, now, entries = self._ask(
            topic, "changes", topic, repr(TOPICS[topic].age), epoch, str(after)
        )
        return Changes(present, version, float(now), tuple(_entry(each) for each in entries))

    def write(
        self,
        topic: str,
        key: str,
        value: str,
        *,
        expected: int | None = None,
        fence: Fence | None = None,
    ) -> Entry:
        """Write an entry."""
        check_entry(topic, value)
        limits = TOPICS[topic]
        condition = ("", "") if fence is None else (fence.name, str(fence.term))
        outcome, entry = self._ask(
            topic,
            *("write", topic, repr(limits.age), str(limits.entries), key, value),
            *("" if expected is None else str(expected), *condition),
        )
        if why := _REFUSALS.get(outcome):
            raise WriteRefusedError(_entry(entry) if entry else None, why)
        return _entry(entry)

    def take_lease(self, name: str, holder: str, seconds: float) -> LeaseTerm:
        """Take or renew a lease."""
        known, term, left = self._ask(_NO_TOPIC, "take_lease", name, holder, repr(seconds))
        return LeaseTerm(known, term, float(left))

    def end_lease(self, name: str, holder: str) -> None:
        """Give a lease back."""
        self._ask(_NO_TOPIC, "end_lease", name, holder)

    def _ask(self, topic: str, *arguments: str) -> Any:
        return json.loads(self._run(topic, arguments))


def _entry(data: Sequence[Any]) -> Entry:
    key, version, at, value = data
    return Entry(key, version, float(at), value)
