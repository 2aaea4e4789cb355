"""Lease of a host, as alerting of a fleet sees it."""

from typing import Protocol


class HostLease(Protocol):
    """Lease by which one process leads on its host; see `Lease`."""

    @property
    def held(self) -> bool:
        """True if this process leads."""
        ...

    @property
    def term(self) -> int:
        """Number that grows when the leader changes."""
        ...

    @property
    def boot(self) -> str:
        """Id of the machine's boot that the clock counts from."""
        ...

    def clock(self) -> float:
        """Return seconds; the same for all processes of the host."""
        ...
