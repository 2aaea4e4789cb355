"""Predecessor: what the leader of a host takes over from the process that led there before."""

import json
from typing import Any, Final, NamedTuple

from breakerd.alerts.fleet.host_lease import HostLease
from breakerd.alerts.fleet.link import HubView
from breakerd.alerts.fleet.observations import ObservationRelay
from breakerd.alerts.fleet.sender_lease import Role, SenderLease
from breakerd.alerts.storage.store import Store

_NAME: Final = "sender"
"""Name under which the host's file keeps it."""


class Predecessor:
    """Role of the host's leader, kept in the host's file for the process that leads next.

    Args:
        store: the host's file.
        lease: lease of the host.
        sender: lease of the sender.
        key: id of this process in the fleet.
    """

    def __init__(self, store: Store, lease: HostLease, sender: SenderLease, key: str) -> None:
        self._store = store
        self._lease = lease
        self._sender = sender
        self._key = key
        self._term = 0
        """Term of the host's lease in which the predecessor was followed."""
        self._former = ""
        """Id of a process whose lease and report are to be removed from the hub."""
        self._written = ""

    def follow(self) -> None:
        """Go on as the process did that led before, if this one has just become the leader."""
        if self._term == self._lease.term:
            return
        self._term, self._written = self._lease.term, ""
        found = _read(self._store)
        holder = str(found.get("holder", ""))
        if holder in {"", self._key} or found.get("boot") != self._lease.boot:
            return
        self._former = holder
        role = Role(found["role"]) if found.get("role") in {each.value for each in Role} else None
        if role is not None and isinstance(since := found.get("away_since"), float | int):
            self._sender.take_over(role, max(0.0, self._lease.clock() - since))
        elif role is Role.SENDER:
            self._sender.take_over(role, 0.0)

    def remove(self, hub: HubView, relay: ObservationRelay) -> None:
        """Remove what the process before has left at the hub: this host has excluded it.

        Raises:
            HubUnavailableError: the hub does not answer.
        """
        if self._former:
            self._sender.end(self._former)
            relay.remove(hub, self._former)
            self._former = ""

    def remember(self) -> None:
        """Keep the present role for the process that leads next."""
        if self._term != self._lease.term:
            return  # what the one before has left is yet to be followed
        sender = self._sender
        since = self._lease.clock() - sender.away_for if sender.hub_is_away else None
        values = {
            "holder": self._key,
            "role": sender.role.value,
            "sender": sender.sender,
            "away_since": None if since is None else round(since),
            "boot": self._lease.boot,
        }
        text = json.dumps(values)
        if text != self._written and self._store.set_value(_NAME, text):
            self._written = text

    @property
    def relayed(self) -> bool:
        """True if the host told a sender of the fleet last, so that its incidents are copies."""
        return _read(self._store).get("role") == Role.RELAY.value

    def forget(self) -> None:
        """Forget the role: this host has left the fleet."""
        self._store.set_value(_NAME, "")
        self._written = ""


class HostRole(NamedTuple):
    """Part that a host has in the alerting of its fleet.

    Attributes:
        role: `sender`, `relay` or `alone`, see `Role`.
        sender: host that sends, as far as the hub has told.
    """

    role: str
    sender: str


def host_role(store: Store) -> HostRole | None:
    """Return the part of the host with that file; None if no process has had one yet."""
    found = _read(store)
    role, sender = found.get("role"), found.get("sender", "")
    if role not in {each.value for each in Role} or not isinstance(sender, str):
        return None
    return HostRole(str(role), sender)


def _read(store: Store) -> dict[str, Any]:
    try:
        found = json.loads(store.get_value(_NAME) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
