"""Link of alerting to the fleet of its process."""

from collections.abc import Callable, Collection
from typing import Final

import psutil

from breakerd.alerts.fleet.link import HubView
from breakerd.alerts.model.content import Spread
from breakerd.breaker.clock import CLOCK
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError, MemberEntry
from breakerd.breaker.fleet.runtime.identity import host_of
from breakerd.breaker.fleet.runtime.runtime import FleetRuntime
from breakerd.breaker.fleet.views.views import FleetViews
from breakerd.breaker.states import REJECTING

_REJECTING: Final = frozenset(state.value.lower() for state in REJECTING)
_LOST: Final = 30.0
"""Seconds for which a silent process may still reject calls, as it did when it was last heard."""
_KEPT: Final = 60.0
"""Seconds for which the last answer counts while the hub gives none: as long as a host waits that
does not send. One late answer would raise each alert of a few processes for good."""


class AlertingLink:
    """Fleet as alerting asks for it; see `FleetLink`. Thread-safe.

    Args:
        runtime: membership of this process.
        views: what is known of all processes.
        clock: returns seconds; never jumps.
    """

    def __init__(
        self,
        runtime: FleetRuntime,
        views: FleetViews,
        clock: Callable[[], float] = CLOCK.monotonic,
    ) -> None:
        self._runtime = runtime
        self._views = views
        self._clock = clock
        self._members: tuple[MemberEntry, ...] = ()
        self._told_at = float("-inf")
        self._told_of = ""
        """Fleet that the members are of."""

    @property
    def name(self) -> str:
        """Return the name of the fleet; empty if no hub joins several hosts."""
        settings = self._runtime.settings
        return settings.name if settings.address.remote else ""

    @property
    def host(self) -> str:
        """Return the name of this host in the fleet."""
        return host_of(self._runtime.settings)

    def hub(self) -> HubView | None:
        """Return the hub of several hosts; None if there is none, or while it does not answer."""
        session = self._runtime.session if self.name else None
        if session is None or session.alone or (view := session.view) is None:
            return None
        return HubView(session.hub.store, view.epoch, dict(view.topics))

    def look(self) -> None:
        """Ask who is there, once a second at most; waits at most about 1 s."""
        now, name = self._clock(), self.name
        try:
            self._members = self._views.members("fleet")
        except HubUnavailableError:
            if not name or name != self._told_of or now - self._told_at >= _KEPT:
                self._members = ()
        else:
            self._told_at, self._told_of = now, name

    def spread(self, breaker: str) -> Spread | None:
        """Return in how many processes a breaker rejected calls at the last `look`.

        With a hub in a file they are those of this host, so that they are only counted.
        """
        if not self._members:
            return None
        remote = bool(self.name)
        found = [
            (member, state in _REJECTING)
            for member in self._members
            for pool, state in member.breakers
            if pool.partition("|")[0] == breaker
        ]
        live = [member for member, _ in found if not member.silent]
        if not (live or remote):
            return None
        rejecting = [member for member, rejects in found if rejects and not member.silent]
        hosts, zones = _names(rejecting, "host"), _names(rejecting, "zone")
        return Spread(
            processes=len(live),
            rejecting=len(rejecting),
            hosts=len(_names(live, "host")),
            rejecting_hosts=len(hosts),
            zones=len(_names(live, "zone")),
            rejecting_zones=len(zones),
            where=_where(rejecting, hosts, zones),
            lost=sum(rejects and self._is_lost(member) for member, rejects in found),
            known=remote,
        )

    def _is_lost(self, member: MemberEntry) -> bool:
        """Return True if a process is silent and may run. One that was killed here runs no more."""
        if not member.silent or member.age >= _LOST:
            return False
        return member.info.host != self.host or psutil.pid_exists(member.info.pid)


def _names(members: Collection[MemberEntry], attribute: str) -> set[str]:
    return {name for member in members if (name := getattr(member.info, attribute))}


def _where(rejecting: Collection[MemberEntry], hosts: set[str], zones: set[str]) -> str:
    """Return the only process, host or zone among these; empty if there are more, or none."""
    if len(rejecting) == 1:
        info = next(iter(rejecting)).info
        return f"process {info.pid} on {info.host}"
    if len(hosts) == 1:
        return f"host {next(iter(hosts))}"
    return f"zone {next(iter(zones))}" if len(zones) == 1 else ""
