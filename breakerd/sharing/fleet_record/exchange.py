"""Exchange of the slots of hosts through their hub; each one keeps the sums of all."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.hub.store import HISTORY, Changes
from breakerd.breaker.fleet.runtime.fleet import SharedTopics
from breakerd.breaker.logging import get_logger
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.record import Record
from breakerd.breaker.record.rows import RecordError
from breakerd.breaker.record.schema import FINE
from breakerd.breaker.record.writing.member import Member
from breakerd.breaker.record.writing.own_slots import OwnSlot
from breakerd.breaker.record.writing.table import Portion, RecordTable
from breakerd.sharing.fleet_record.host_slots import HostSlots, key_of, read_slots, write_slots

if TYPE_CHECKING:
    from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
    from breakerd.breaker.history.slot import HistorySlot

_log = get_logger(__name__)

SETTLED: Final = 15.0
"""Seconds after its begin at which a slot is told: all processes of the host have written it."""
WINDOW: Final = 240.0
"""Seconds for which a slot is told again if it has changed, or could not be told."""
_FUTURE: Final = 60.0
"""Seconds by which the clock of another host may be ahead."""
_PAST: Final = 900.0
"""Seconds by which a slot of another host may be late."""
_PRUNE_INTERVAL: Final = 300.0
"""Seconds between two looks at what is too old or too much."""


class Hosts(Protocol):
    """The fleet, as far as it is needed here."""

    @property
    def host(self) -> str:
        """Return the name of this host in the fleet."""
        ...

    @property
    def settings(self) -> "FleetSettings":
        """Return `[fleet]`."""
        ...

    def shared(self) -> SharedTopics | None:
        """Return what hosts share; None while the hub does not answer."""
        ...


class FleetExchange:
    """One host's part in the record of the fleet. For one thread.

    Of the processes of a host one takes part: the one that has the lease of the fleet's file.

    Args:
        fleet: membership of this process.
        record: record of this host, with the settings for both.
        table: the fleet's file on this host, in which each host is a member.
        process: this process, for the lease.
        clock: returns seconds since the epoch.
    """

    def __init__(
        self,
        fleet: Hosts,
        record: Record,
        table: RecordTable,
        process: Member,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.table = table
        self._fleet = fleet
        self._record = record
        self._process = process
        self._clock = clock
        self._prune_due = -_PRUNE_INTERVAL
        self._begin()

    def _begin(self) -> None:
        """Know nothing of what was told and kept."""
        self._kept: dict[int, str] = {}
        """Own slots that are in the fleet's file, as texts by their begin."""
        self._told: dict[int, str] = {}
        """Own slots that the hub has."""
        self._epoch, self._version = "", 0

    def round(self) -> bool:
        """Tell what is new on this host, and keep what others have told; True if it took part."""
        now = self._clock()
        self.table.open()
        pruning = now - self._prune_due >= _PRUNE_INTERVAL or now < self._prune_due
        if not self.table.lead(self._process, self._record.limits(), now, pruning=pruning):
            self._begin()
            return False
        if pruning:
            self._prune_due = now
        own = self._own_slots(now)
        self._keep_own(own, now)
        if (shared := self._fleet.shared()) is not None:
            try:
                self._tell(own, shared)
                self._take(shared, now)
            except HubUnavailableError:
                return True  # the fleet says so; what is left comes with a later round
        return True

    def close(self) -> None:
        """Let another process take part, and close the file."""
        if self.table.opened:
            self.table.release(self._process)
        self.table.close()

    # --- this host

    def _own_slots(self, now: float) -> dict[int, HostSlots]:
        """Return the sums of this host that may be new to others, by their begin."""
        try:
            return own_slots(self._record.reader(), self._fleet.host, now)
        except RecordError:
            return {}  # the record says why

    def _keep_own(self, own: dict[int, HostSlots], now: float) -> None:
        for start, slots in own.items():
            text = write_slots(slots)
            if self._kept.get(start) != text and self._keep(slots, now):
                self._kept[start] = text
        self._kept = {start: text for start, text in self._kept.items() if start in own}

    def _tell(self, own: dict[int, HostSlots], shared: SharedTopics) -> None:
        if shared.epoch != self._epoch:
            self._told.clear()  # the hub has forgotten everything, or is another one
        for start, slots in own.items():
            text = write_slots(slots)
            if self._told.get(start) != text:
                shared.store.write(HISTORY, key_of(slots.host, start), text)
                self._told[start] = text
        self._told = {start: text for start, text in self._told.items() if start in own}

    # --- other hosts

    def _take(self, shared: SharedTopics, now: float) -> None:
        if (shared.epoch, shared.versions.get(HISTORY, 0)) == (self._epoch, self._version):
            return
        after = self._version if shared.versions.get(HISTORY, 0) >= self._version else 0
        changes = shared.store.changes(HISTORY, self._epoch, after)
        if all(self._keep(slots, now) for slots in self._of_others(changes, now)):
            self._epoch, self._version = changes.epoch, changes.version

    def _of_others(self, changes: Changes, now: float) -> list[HostSlots]:
        """Return what other hosts have told; what is no slot, or of another time, is left out."""
        found = []
        for entry in changes.entries:
            if not entry.value:
                continue
            try:
                told = read_slots(entry)
            except ValueError as error:
                _log.warning("slots at the hub are invalid", key=entry.key, problem=str(error))
                continue
            if told.host != self._fleet.host and -_PAST <= told.start - now <= _FUTURE:
                found.append(told)
        return found

    def _keep(self, told: HostSlots, now: float) -> bool:
        """Write the slots of a host into the fleet's file; return False if that fails."""
        host = Member(told.host, told.host, told.host)
        slots = [OwnSlot(breaker, 0, slot) for breaker, slot in told.slots.items()]
        return self.table.write(host, Portion(slots), now)


def fleet_file(record: Path) -> Path:
    """Return the file of the fleet beside the record of the host: `…-fleet.db`."""
    return record.with_name(f"{record.stem}-fleet{record.suffix}")


def own_slots(reader: RecordReader, host: str, now: float) -> dict[int, HostSlots]:
    """Return the sums of a host that are settled and not old, by their begin.

    Raises:
        RecordError: the record cannot be read.
    """
    end = now - SETTLED
    found: dict[int, dict[str, HistorySlot]] = {}
    for breaker in reader.breakers():
        for slot in reader.slots(breaker, now - WINDOW, end, step=FINE):
            found.setdefault(int(slot.start), {})[breaker] = slot
    return {start: HostSlots(host, start, slots) for start, slots in found.items()}
