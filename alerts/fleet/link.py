"""Link to the fleet: all that alerting asks of it."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from breakerd.alerts.model.content import Spread
from breakerd.breaker.fleet.hub.store import SharedStore


class HubView(NamedTuple):
    """A hub that answers.

    Attributes:
        store: topics and leases.
        epoch: id of the hub's memory, as of the last exchange.
        versions: version of each topic's newest write, as of the last exchange.
    """

    store: SharedStore
    epoch: str
    versions: Mapping[str, int]


class FleetLink(Protocol):
    """Fleet, as alerting asks for it. Thread-safe."""

    @property
    def name(self) -> str:
        """Return the name of the fleet; empty if no hub joins several hosts."""
        ...

    @property
    def host(self) -> str:
        """Return the name of this host in the fleet."""
        ...

    def hub(self) -> HubView | None:
        """Return the hub; None while it does not answer."""
        ...

    def look(self) -> None:
        """Ask who is there, once a second at most; waits at most about 1 s."""
        ...

    def spread(self, breaker: str) -> Spread | None:
        """Return in how many processes a breaker rejected calls at the last `look`.

        None if that is unknown.
        """
        ...


class NoFleet:
    """Link of a process that is alone, as far as it knows."""

    name = ""
    host = ""

    def hub(self) -> HubView | None:
        """Return None: there is none."""
        return None

    def look(self) -> None:
        """Ask nobody."""

    def spread(self, breaker: str) -> Spread | None:  # noqa: ARG002 - as `FleetLink` has it
        """Return None: nobody knows."""
        return None
