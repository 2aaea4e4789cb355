"""Ledger: the second store of incidents, beside the database of a host."""

from collections.abc import Iterable
from typing import Protocol

from breakerd.alerts.model.incident import Incident


class Ledger(Protocol):
    """Second store of incidents, which the processes of several hosts share."""

    @property
    def shared(self) -> bool:
        """True if other hosts may go on with these incidents."""
        ...

    def save(self, rows: Iterable[tuple[Incident, bool]]) -> None:
        """Save incidents, each with whether it is settled; later, if it cannot be reached.

        Raises:
            LeaseLostError: another process is the sender.
        """
        ...


class NoLedger:
    """Ledger of a host that is alone."""

    shared = False

    def save(self, rows: Iterable[tuple[Incident, bool]]) -> None:
        """Save nothing."""
