"""Journal of a configuration file: told what comes into force, in that order."""

from typing import Protocol

from breakerd.breaker.config.document import Document


class ConfigJournal(Protocol):
    """Keeper of a record of the configurations in force. It raises nothing.

    All methods are called with the lock of the file held, and the first also while other processes
    wait with their changes.
    """

    def writing(self, wanted: Document) -> None:
        """Note that the file is about to be replaced, so that `wanted` comes into force."""
        ...

    def changed(self, active: Document, *, written: bool) -> None:
        """Note that a change of this process is in force; `written`: it is also in the file."""
        ...

    def taken_in(self) -> None:
        """Note that what somebody else has written into the file is in force."""
        ...


class NoJournal:
    """Journal that keeps nothing."""

    def writing(self, wanted: Document) -> None:
        """Keep nothing."""

    def changed(self, active: Document, *, written: bool) -> None:
        """Keep nothing."""

    def taken_in(self) -> None:
        """Keep nothing."""
