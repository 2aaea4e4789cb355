"""Entries that a process offers the hub: its revisions, and the end of one that nobody has."""

from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.fleet.hub.store import Entry
from breakerd.breaker.fleet.revisions.book import RevisionBook
from breakerd.breaker.fleet.revisions.revision import Revision, decode_entry


class RevisionOffer:
    """Newest revision of a setting that waits for the hub.

    Args:
        book: what this process knows.
        key: the setting.
    """

    def __init__(self, book: RevisionBook, key: Key) -> None:
        self._book = book
        self._key = key
        self._sent = ""
        """Id of the revision that stands at the hub once this is written."""

    def text(self, present: Entry | None) -> str | None:
        """Return the text of the later one of both; None if the hub has that."""
        text, self._sent = self._book.text(self._key, present)
        return text

    def settled(self) -> None:
        """Note that the hub has it."""
        self._book.settle(self._key, self._sent)


class EndOffer:
    """Removal of a revision, unless there is another one meanwhile.

    Args:
        revision: the revision.
    """

    def __init__(self, revision: Revision) -> None:
        self._revision = revision

    def text(self, present: Entry | None) -> str | None:
        """Return the empty text of a removed entry; None if the present one is another."""
        if present is None:
            return ""  # refused if there is one, which is looked at then
        try:
            found = decode_entry(present)
        except ValueError:
            return None
        return "" if found.id == self._revision.id else None

    def settled(self) -> None:
        """Do nothing: the end comes back as a change of the topic."""
