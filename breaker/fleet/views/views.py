"""Views of the fleet for people and programs, as the process that is asked gets them."""

from collections.abc import Callable, Mapping
from typing import Final, Literal

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.fleet.host_counters.figures import Figures, Totals
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError, MemberEntry
from breakerd.breaker.fleet.messages import FLEET
from breakerd.breaker.fleet.runtime.runtime import FleetRuntime
from breakerd.breaker.fleet.runtime.session import Session
from breakerd.breaker.fleet.settings.hub_address import HubKind
from breakerd.breaker.fleet.views.shared_reading import FRESH, SharedReadings
from breakerd.breaker.fleet.views.sums import (
    BreakerSums,
    Holders,
    PoolAnswer,
    add_up,
    checked,
    holders_of,
)

ViewScope = Literal["process", "host", "fleet"]
"""Processes that an answer is about: the one that answers, those of its host, or all."""
_NO_HUB: Final = "[fleet] hub is 'none': each process is alone"


class FleetViews:
    """Answers about all processes, at most a second old. Thread-safe.

    Each method asks the hub, once a second at most, and waits for it no longer than its client
    does: about 1 s. While the hub is known to be away it is not asked. For two seconds after an
    operator's command each question goes to the hub, so that whoever is asked tells the same.

    Args:
        runtime: membership of this process.
        host_figures: returns the sums of all that the processes of this host have counted, by
            breaker; None if this process does not count with them.
        clock: returns seconds; never jumps.
    """

    def __init__(
        self,
        runtime: FleetRuntime,
        host_figures: Callable[[], Mapping[str, Figures] | None] = lambda: None,
        clock: Callable[[], float] = CLOCK.monotonic,
    ) -> None:
        self.host_figures = host_figures
        self._runtime = runtime
        self._readings = SharedReadings(clock)

    @property
    def in_force(self) -> bool:
        """True if this process has a hub, whether or not it answers."""
        return self._runtime.settings.address.kind is not HubKind.NONE

    def members(self, scope: ViewScope = "fleet") -> tuple[MemberEntry, ...]:
        """Return all processes, those that went silent lately among them.

        Raises:
            HubUnavailableError: there is no hub, or it does not answer.
        """
        session = self._session()
        question = (session.member_id, "members")
        found = self._readings.get(question, session.hub.members, _fresh(session))
        host = session.host
        chosen = (each for each in found if scope != "host" or each.info.host == host)
        # What this process has become since its last report, it need not ask the hub.
        return tuple(_renewed(each, session) for each in chosen)

    def holders(self, scope: ViewScope = "fleet") -> dict[str, Holders]:
        """Return the processes of the scope that hold each breaker, by its name.

        Raises:
            HubUnavailableError: there is no hub, or it does not answer.
        """
        return holders_of(self.members(scope))

    def breaker(self, name: str, scope: ViewScope = "fleet") -> BreakerSums | None:
        """Return the sums of one breaker; None if no process of the scope holds it.

        Raises:
            HubUnavailableError: there is no hub, or it does not answer.
        """
        holders = self.holders(scope).get(name)
        if holders is None:
            return None
        session = self._session()
        place = FLEET if scope == "fleet" else f"host:{session.host}"

        pools = [self._pool(session, pool, place) for pool in holders.pools]
        return add_up(holders, pools)

    def is_only_ours(self, holders: Holders) -> bool:
        """Return True if no process but this one holds the breaker, so that its own figures count.

        They are exact, where sums are of some seconds, and as of the last report.
        """
        session = self._runtime.session
        return session is not None and holders.only == session.member_id

    def forget(self) -> None:
        """Ask the hub again for whoever asks next: somebody has commanded the fleet."""
        self._readings.forget()

    def host_totals(self, name: str) -> Totals | None:
        """Return what the processes of this host have counted of a breaker, ended ones among them.

        At most a second old. None if this process does not count with them, or nobody has yet.
        """
        try:
            found = self._readings.get("host", self.host_figures, _fresh(self._runtime.session))
        except HubUnavailableError:
            return None
        figures = found.get(name) if found else None
        return figures.totals if figures else None

    def _pool(self, session: Session, pool: str, place: str) -> PoolAnswer:
        question = (session.member_id, pool, place)
        return self._readings.get(
            question, lambda: checked(session.hub.pool(pool, place)), _fresh(session)
        )

    def _session(self) -> Session:
        if not self.in_force:
            raise HubUnavailableError(_NO_HUB)
        session = self._runtime.session
        why = self._runtime.not_running().get("fleet", "")
        if session is None or why:
            raise HubUnavailableError(why)
        return session


def _fresh(session: Session | None) -> float:
    """Return the seconds for which an answer is good: none while a command reaches the others."""
    return 0.0 if session is not None and session.commanded_lately else FRESH


def _renewed(entry: MemberEntry, session: Session) -> MemberEntry:
    """Return the entry of a process; that of this one with its breakers' states of now."""
    if entry.info.id != session.member_id:
        return entry
    states = tuple(sorted(session.states().items()))
    return entry._replace(breakers=states) if states else entry
