"""Store of a hub: entries that members share for longer than a window, and fenced leases.

Each topic is a small table of texts by key. A version that grows with each write tells readers what
is new, and lets a writer replace only what it has read. After the hub has forgotten everything,
its epoch is another one, versions begin anew, and whoever keeps a copy brings it back.
"""

from typing import Final, NamedTuple, Protocol


class TopicLimits(NamedTuple):
    """Limits of a topic: beyond them the entries that were written first are dropped.

    Attributes:
        entries: maximum number of entries.
        age: maximum seconds since an entry was written.
    """

    entries: int
    age: float


SETTINGS: Final = "settings"
"""Changes of settings by operators; see `TOPICS` for how long each topic is kept."""
SILENCES: Final = "silences"
AUDIT: Final = "audit"
INCIDENTS: Final = "incidents"
OBSERVATIONS: Final = "observations"
ALERT_COMMANDS: Final = "alert_commands"
HISTORY: Final = "history"

_DAY: Final = 86_400.0

TOPICS: Final = {
    SETTINGS: TopicLimits(1_000, 30 * _DAY),
    SILENCES: TopicLimits(1_000, 90 * _DAY),
    AUDIT: TopicLimits(1_000, 30 * _DAY),
    INCIDENTS: TopicLimits(1_000, 7 * _DAY),
    OBSERVATIONS: TopicLimits(2_000, 60.0),
    ALERT_COMMANDS: TopicLimits(1_000, _DAY),
    HISTORY: TopicLimits(5_000, 300.0),
}
MAX_VALUE: Final = 1_048_576
"""Maximum number of bytes of an entry's text, in UTF-8."""
WRONG_VERSION: Final = "the entry was changed meanwhile"
WRONG_TERM: Final = "another process holds the lease"


class Entry(NamedTuple):
    """Entry of a topic.

    Attributes:
        key: name of the entry within its topic.
        version: number of the write; larger than those before in the same topic and epoch.
        at: hub time of the write, in seconds.
        value: text, as a rule JSON; empty for an entry that was removed, which is kept as long.
    """

    key: str
    version: int
    at: float
    value: str


class Changes(NamedTuple):
    """Entries of a topic that a reader does not have yet.

    Attributes:
        epoch: id of the hub's memory.
        version: version of the newest write of the topic; 0 if there was none.
        now: hub time in seconds.
        entries: entries that are new to the reader, in the order in which they were written; all
            of them if the reader's epoch was another one.
    """

    epoch: str
    version: int
    now: float
    entries: tuple[Entry, ...] = ()


class Fence(NamedTuple):
    """Condition of a write: the lease `name` is still in its term `term`."""

    name: str
    term: int


class LeaseTerm(NamedTuple):
    """Lease as it is at the hub.

    Attributes:
        holder: id of whoever holds it; empty if nobody does.
        term: number that grows whenever another holder gets it, also after the hub has forgotten
            everything: it is no smaller than the hub's time in seconds was when it was granted.
        left: seconds until it ends.
    """

    holder: str
    term: int
    left: float


class WriteRefusedError(Exception):
    """The entry has another version than was expected, or the lease of the fence has changed.

    Attributes:
        entry: the present entry; None if there is none.
    """

    def __init__(self, entry: Entry | None, why: str) -> None:
        super().__init__(why)
        self.entry = entry


class SharedStore(Protocol):
    """Topics and leases of a hub. Thread-safe; each method is one round trip, done as a whole.

    All raise `HubUnavailableError` where the hub cannot be reached, and `ValueError` for a topic
    that is not in `TOPICS`.
    """

    def changes(self, topic: str, epoch: str = "", after: int = 0) -> Changes:
        """Return the entries with a version above `after`; all if `epoch` is not the present one.

        An entry that was dropped by the limits is not told.
        """
        ...

    def write(
        self,
        topic: str,
        key: str,
        value: str,
        *,
        expected: int | None = None,
        fence: Fence | None = None,
    ) -> Entry:
        """Write an entry, and return it.

        Args:
            topic: one of `TOPICS`.
            key: name of the entry.
            value: the text; empty removes the entry.
            expected: version that the entry must have; 0: it must not exist (a removed one does
                not); None: it does not matter.
            fence: lease that must still be in its term.

        Raises:
            WriteRefusedError: `expected` or `fence` does not hold; nothing was written.
            ValueError: the text is longer than `MAX_VALUE`.
        """
        ...

    def take_lease(self, name: str, holder: str, seconds: float) -> LeaseTerm:
        """Take or renew a lease for that time unless another holder has it; return it as it is."""
        ...

    def end_lease(self, name: str, holder: str) -> None:
        """Give the lease back, so that another one can take it at once; no effect for others."""
        ...


# --- for the stores


def check_topic(topic: str) -> None:
    """Raise ValueError if the topic is not one of `TOPICS`."""
    if topic not in TOPICS:
        raise ValueError(f"found topic {topic!r}; allowed: {', '.join(TOPICS)}")


def check_entry(topic: str, value: str) -> None:
    """Raise ValueError if the topic is not one of `TOPICS`, or the text is too long."""
    check_topic(topic)
    size = len(value.encode())
    if size > MAX_VALUE:
        raise ValueError(f"found a text of {size} bytes; at most {MAX_VALUE} are stored")


def version_of(entry: Entry | None) -> int:
    """Return the version that a writer has to expect: 0 for an entry that is not there."""
    return entry.version if entry is not None and entry.value else 0


def next_term(term: int, now: float) -> int:
    """Return the term of a new holder, after `term`, at hub time `now`."""
    return max(term + 1, int(now))
