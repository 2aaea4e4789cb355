"""Incidents of a fleet: what the leader of a host does for them, and with the hub."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from breakerd.alerts.fleet.census import Census
from breakerd.alerts.fleet.forwarding import CommandForwarding, ForwardedCommand
from breakerd.alerts.fleet.host_lease import HostLease
from breakerd.alerts.fleet.ledger import HubLedger, LedgerRow
from breakerd.alerts.fleet.link import FleetLink, HubView
from breakerd.alerts.fleet.observations import ObservationRelay, RemoteReports
from breakerd.alerts.fleet.predecessor import Predecessor
from breakerd.alerts.fleet.sender_lease import Role, SenderLease
from breakerd.alerts.incidents.observation import ObservationSource, PeerReport
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.storage.commands import CommandQueue
from breakerd.alerts.storage.incident_log import IncidentLog
from breakerd.alerts.storage.store import ADOPT_INCIDENT, LeaseLostError, Store
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_OFFER_AFTER: Final = 10.0
"""Seconds after which incidents that the ledger does not have are offered to the sender."""
_LINGER: Final = 5.0
"""Seconds beyond the end of an incident in which the sender is told what has ended it."""
_STAND_BACK: Final = 5.0
"""Seconds in which another host may take the lease."""
_MAX_DOUBLINGS: Final = 4
"""Maximum number of times that the patience doubles with which another host is let try."""
_FORGIVEN: Final = 1_800.0
"""Seconds after which it does not count any more that the lease was given back."""
_ALIASES: Final = "SELECT json_extract(data, '$.alias') FROM incidents"


class Round(NamedTuple):
    """Figures that a round depends on.

    Attributes:
        request_timeout: maximum seconds of a request to a receiver.
        resolve_after: seconds from the end of trouble to the end of its incident.
        patience: seconds after which another host may try to send what this one cannot.
    """

    request_timeout: float
    resolve_after: float
    patience: float


class FleetIncidents:
    """Part that the leader of this host has in the alerting of the fleet. For one thread.

    A round is `look`, then `lead`, then `tell`; only `lead` is called with the incident log's lock
    held, and only the others wait for the hub. Without a hub that joins hosts it does nothing.

    Args:
        link: link to the fleet.
        store: the host's file.
        lease: lease of the host.
        incident_log: incidents of the leader.
        commands: commands to it.
        now: returns seconds since the epoch.

    Attributes:
        sender: lease of the sender.
        census: what is known of the breakers' processes.
    """

    def __init__(
        self,
        link: FleetLink,
        store: Store,
        lease: HostLease,
        incident_log: IncidentLog,
        commands: CommandQueue,
        now: Callable[[], float],
    ) -> None:
        self._key = f"{link.host}/{store.process}"
        self.sender = SenderLease(link, self._key, lease.clock)
        self.census = Census(link, self.sender)
        self._ledger = HubLedger(self.sender, link.hub, now)
        self._link = link
        self._store = store
        self._lease = lease
        self._incident_log = incident_log
        self._commands = commands
        self._now = now
        self._predecessor = Predecessor(store, lease, self.sender, self._key)
        self._relay = ObservationRelay(self._key, now)
        self._reports = RemoteReports(self._key, now)
        self._forwarding = CommandForwarding(now)
        self._acts = self.sender.role is Role.SINGLE
        """True if the incident log's memory is what this process reconciles and sends."""
        self._part: tuple[Role, int] | None = None
        """Role and term in which the whole ledger was read last."""
        self._apart = False
        """True once the host was seen to be in no fleet."""
        self._offer_at = float("inf")
        self._copies: dict[str, LedgerRow] = {}
        """Incidents as the ledger has them, by id, until this process or its file has them."""
        self._outgoing: list[ForwardedCommand] = []
        self._queued_until = 0
        """Number of the last command in the host's file that is in `_outgoing`."""
        self._forwarded_until = 0
        """Number of the last command in the host's file that has reached the hub."""
        self._able_at = lease.clock()
        self._yielded_at = float("-inf")
        self._yields = 0
        """Number of times that the lease was given back since this host could deliver."""
        incident_log.ledger = self._ledger

    @property
    def joined(self) -> bool:
        """True if a hub joins this host with others."""
        return bool(self._link.name)

    # --- before the round

    def look(self, wanted: Round) -> None:
        """Renew the lease, and read what is new at the hub; waits at most about 1 s a request."""
        if self._is_single:
            return
        if not self._lease.held:
            self.sender.resign()
            self._part = None
            self._copies.clear()  # whoever leads makes them
            self._ledger.forget()
            return
        self._predecessor.follow()
        hub = self._link.hub()
        try:
            if hub is not None:
                self._predecessor.remove(hub, self._relay)
            role = self.sender.renew(wanted.request_timeout)
            if hub is None:
                return
            self._read(hub, role)
        except HubUnavailableError:
            self.sender.fail()
        except Exception:  # noqa: BLE001 - whatever a hub answers, people must be paged
            _log.exception("the hub's answer is of no use")
            self.sender.fail()
        else:
            self.sender.complete()
        self._let_others_try(wanted.patience)

    @property
    def _is_single(self) -> bool:
        return not self._link.name and self.sender.role is Role.SINGLE and self._acts

    def _read(self, hub: HubView, role: Role) -> None:
        part = (role, self.sender.fence.term if role is Role.SENDER else 0)
        anew = part != self._part or self.sender.returns
        if anew or role is Role.RELAY:
            self._copies |= {row.incident.id: row for row in self._ledger.read(hub, whole=anew)}
        if anew:
            self._offer_at = self._now() + _OFFER_AFTER
            self._relay.forget()
            # The hub may have forgotten what this process has written.
            self._incident_log.rewrite()
        if role is Role.SENDER:
            self._reports.read(hub)
            self._forwarding.read(hub)
        self._part = part

    def _let_others_try(self, patience: float) -> None:
        """Give the lease back for a moment if this host cannot deliver what is due.

        Where no host can, ever more seldom.
        """
        now = self._lease.clock()
        if patience == float("inf") or now - self._yielded_at >= _FORGIVEN:
            self._yields = 0
        if patience == float("inf") or self.sender.role is not Role.SENDER:
            self._able_at = now
        elif not self.sender.hub_is_away and now - self._able_at >= patience * 2**self._yields:
            self._yields = min(self._yields + 1, _MAX_DOUBLINGS)
            self._yielded_at = now
            self.sender.resign(_STAND_BACK)

    # --- in the round, with the incident log's lock held

    def lead(self, now: float, sources: Sequence[ObservationSource], wanted: Round) -> bool:
        """Return True if this process reconciles and sends; else prepare what the sender is told.

        Args:
            now: seconds since the epoch.
            sources: the processes of this host.
            wanted: what the round depends on.
        """
        if self._link.name or self.sender.role is not Role.SINGLE:
            self._apart = False
        elif not self._apart:
            self._leave_fleet()
        if self._is_single:
            return True
        acts = self._may_act()
        if not self._copy(now, acts=acts):
            return False
        self._predecessor.remember()
        if not acts:
            self._relay.prepare(sources, wanted.resolve_after + _LINGER)
            self._leave(now)
        self._acts = acts
        for command in self._forwarding.take() if acts else ():
            self._commands.execute_one(now, command.incident_id, command.data, command.incident)
        return acts

    def _leave_fleet(self) -> None:
        """Leave the alerts of a fleet that the host is in no more to the host that sends there."""
        if self._predecessor.relayed:
            try:
                if not self._store.save([(each, True) for each in self._store.load()[0]], {}):
                    return
            except LeaseLostError:
                return
            self._incident_log.discard()
            self._predecessor.forget()
        self._apart, self._part = True, None
        self._copies.clear()
        self._ledger.forget()

    def _may_act(self) -> bool:
        role = self.sender.role
        if role is not Role.SENDER:
            return role is not Role.RELAY
        loaded = self._part is not None and self._part[0] is Role.SENDER
        return loaded or self.sender.hub_is_away

    def count(self) -> None:
        """Ask how many processes there are; waits at most about 1 s. Not with the lock held."""
        self._link.look()

    def other_hosts(self) -> list[PeerReport]:
        """Return what the processes of other hosts observe, as far as this one is the sender."""
        return self._reports.sources() if self.sender.role is Role.SENDER else []

    def _copy(self, now: float, *, acts: bool) -> bool:
        """Copy what others have written into the host's file; return False if it leads no more.

        Who acts goes on with it, also where the file fails. Others keep it until the file works.
        """
        rows = list(self._copies.values())
        try:
            saved = not rows or self._store.save([(row.incident, row.settled) for row in rows], {})
        except LeaseLostError:
            return False
        self.census.learn(row.incident.alias for row in rows)
        self._incident_log.note_notified(row.incident for row in rows)
        if acts and not self._acts:
            self._begin(now)
        for row in rows if acts else ():
            self._incident_log.replace(now, row.incident, settled=row.settled)
        if acts or saved:
            self._copies.clear()
        return True

    def _begin(self, now: float) -> None:
        """Go on with what the host's file has, and with what it could not keep."""
        known = list(self._incident_log)
        self._incident_log.discard()
        self._incident_log.load_as_leader(now)
        for incident in known:
            stored = self._incident_log.find(incident.id) or self._store.find(incident.id)
            if stored is None:
                self._incident_log.take_over(now, incident)
        self.census.learn(alias for (alias,) in self._store.database.rows(_ALIASES))
        self.census.begin(incident.id for incident in self._incident_log)
        self._outgoing = []  # they are in the file, and executed here

    def _leave(self, now: float) -> None:
        """Leave to the sender what it does not have, and drop the rest."""
        if self._part is None or self._part[0] is not Role.RELAY:
            return  # the ledger has not been read yet
        self._forget_forwarded()
        if not self._outgoing:
            self._outgoing = [*self._queued(), *self._offers(self._incident_log)]
        if any(True for _ in self._incident_log):
            self._incident_log.discard()
        if now >= self._offer_at:
            self._offer_at = float("inf")
            self._outgoing += self._offers(self._store.load()[0])

    def _forget_forwarded(self) -> None:
        if self._forwarded_until:
            try:
                if self._store.save([], {}, self._forwarded_until):
                    self._forwarded_until = 0
            except LeaseLostError:
                return

    def _queued(self) -> list[ForwardedCommand]:
        """Return the commands of operators that were given on this host."""
        found = self._store.commands(self._forwarded_until)
        self._queued_until = max((number for number, _, _ in found), default=0)
        return [
            ForwardedCommand(
                f"{self._key}#{number}", incident_id, data,
                self._store.find(incident_id) if data.get("action") == ADOPT_INCIDENT else None,
            )
            for number, incident_id, data in found
        ]  # fmt: skip

    def _offers(self, incidents: Iterable[Incident]) -> list[ForwardedCommand]:
        """Return offers of incidents that the ledger lacks, or that were told after its end."""
        found = []
        for incident in incidents:
            closed_at = self._ledger.known.get(incident.id)
            if closed_at is None or 0 < closed_at < incident.notified_at:
                key = f"{self._key}:{incident.id}:{incident.notified_at:.0f}"
                data = {"action": ADOPT_INCIDENT}
                found.append(ForwardedCommand(key, incident.id, data, incident))
        return found

    # --- after the round

    def tell(self) -> None:
        """Tell the sender what was prepared; waits at most about 1 s a request."""
        if self._acts or self.sender.role is not Role.RELAY or self.sender.hub_is_away:
            return
        if (hub := self._link.hub()) is None:
            return
        try:
            self._relay.tell(hub)
            self._forwarding.forward(hub, self._outgoing)
        except HubUnavailableError:
            self.sender.note_away()
        except Exception:  # noqa: BLE001 - the next round must come
            _log.exception("the sender could not be told")
            self.sender.note_away()
        else:
            self._outgoing = []
            self._forwarded_until = max(self._forwarded_until, self._queued_until)

    def close(self) -> None:
        """Give the lease back, so that another host goes on at once; waits at most about 1 s."""
        if not self._is_single:
            self.sender.resign()
