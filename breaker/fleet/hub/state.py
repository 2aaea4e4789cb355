"""Semantics of a hub: what one exchange does to its records, and what a member gets back.

Pure: the time is passed in, and records are plain values, so that memory and SQLite share this. The
cost of an exchange is that of the member's own report, whatever the number of members. Not
thread-safe: each operation is one transaction.

Keys of the records: `hub` (epoch), `registers`, `member:ID` and `pool:BREAKER|GROUP@SCOPE`.
"""

import secrets
from collections.abc import Callable
from typing import Final

from breakerd.breaker.fleet.episode import accepts
from breakerd.breaker.fleet.hub import leases, registers
from breakerd.breaker.fleet.hub.pool import (
    SLOT_COLUMNS,
    UNIT_COLUMNS,
    WINDOW_PARTS,
    Changes,
    apply_changes,
    empty_pool,
    episode_of,
    flags,
    merged_sketch,
    pool_view,
    rank,
    replace_window,
    set_episode,
    window_of,
)
from breakerd.breaker.fleet.hub.protocol import MemberEntry, Progress
from breakerd.breaker.fleet.hub.records import Record, Records
from breakerd.breaker.fleet.hub.roster import SILENT_AFTER, all_members, is_silent, progress_of
from breakerd.breaker.fleet.messages import (
    FLEET,
    WINDOW_SLOTS,
    Act,
    BreakerReport,
    BreakerView,
    MemberInfo,
    PoolView,
    Register,
    Report,
    ScopeReport,
    View,
    Worst,
    member_info,
)

FORGET_AFTER: Final = 600.0
"""Seconds after which a silent member is forgotten."""
_SWEPT: Final = 3
"""Silent members that one exchange clears away at most."""


def random_id() -> str:
    """Return a random id."""
    return secrets.token_hex(6)


class HubState:
    """Operations of a hub on its records.

    Args:
        records: storage; `HubState` keeps nothing of its own.
        new_id: returns random ids.
    """

    def __init__(self, records: Records, new_id: Callable[[], str] = random_id) -> None:
        self._records = records
        self._new_id = new_id

    # --- exchange

    def exchange(self, report: Report, now: float) -> View:
        """Take a member's report at hub time `now`; return its view."""
        epoch = self.epoch(now)
        commands = self._commands()
        member = self._take(report, now)
        for register in report.registers:
            registers.write(commands, register, now)
        registers.note_applied(commands, report.member.id, report.applied)
        registers.expire(commands, now)
        self._records.put("registers", commands)
        self._sweep(now)
        known = report.register_version if report.epoch == epoch else 0
        return View(
            epoch=epoch,
            now=now,
            members=self._hub()["members"],
            breakers=tuple(self._view(each, report.member, now) for each in report.breakers),
            register_version=commands["version"],
            registers=registers.newer(commands, known),
            acts=registers.to_do(commands, report.member.id, member["joined"], now),
            silent=self._hub().get("silent", 0),
        )

    def _take(self, report: Report, now: float) -> Record:
        """Replace what the hub holds of the member, unless the report is older; return that."""
        info, key = report.member, f"member:{report.member.id}"
        held = self._records.get(key)
        if held is not None and (info.incarnation, report.seq) <= (
            held["info"][1],
            held["seq"],
        ):
            return held
        live = not report.leaving
        old = self._windows_in(held, info, now)
        new = {each.pool: window_of(each) for each in report.breakers} if live else {}
        for each in report.breakers:
            for scope in each.scopes:
                self._change_episode(each.pool, scope, info)
        for pool in {**old, **new}:
            if not self._counts_already(pool, info, old.get(pool), new.get(pool)):
                self._replace(pool, info, old.get(pool), new.get(pool), now)
        member: Record = {
            "info": list(info),
            "seq": report.seq,
            "joined": registers.joined(held, report, now),
            "register_version": report.register_version,
            "live": live,
            "left": report.leaving,
            "windows": new,
            "silent": {},
        }
        was_live = held is not None and held["live"]
        self._count(live=int(live) - int(was_live), silent=-is_silent(held))
        self._records.put(key, member)
        self._records.heard(info.id, now, live=live)
        return member

    def _counts_already(
        self, pool: str, info: MemberInfo, old: Record | None, new: Record | None
    ) -> bool:
        """Return True if the sums have the window `new`: most breakers are seldom called."""
        if old is None or new is None or any(old[part] != new[part] for part in WINDOW_PARTS):
            return False
        if any(slot[2] for slot in new["slots"]):
            return False  # it is to be ranked
        for scope in info.scopes:
            record = self._pool(pool, scope)
            generation = episode_of(record).generation
            counted = old["counted"].get(scope) == generation
            if record["worst"] or counted != (new["generations"].get(scope) == generation):
                return False
        new["counted"] = old["counted"]
        return True

    def _windows_in(self, held: Record | None, info: MemberInfo, now: float) -> dict[str, Record]:
        """Return the member's windows in the sums of its scopes; leave the scopes it had before."""
        if held is None:
            return {}
        windows: dict[str, Record] = held["windows"]
        before = member_info(held["info"])
        if before.scopes == info.scopes:
            return windows
        for pool, window in windows.items():
            self._replace(pool, before, window, None, now)
        return {}

    def _change_episode(self, pool: str, report: ScopeReport, info: MemberInfo) -> None:
        record = self._pool(pool, report.scope)
        leases.settle(record["leases"], info.id, report.result)
        proposal = report.proposal
        if proposal is not None and accepts(episode_of(record), report.expected, proposal):
            set_episode(record, proposal)
        self._put_pool(pool, report.scope, record)

    def _replace(
        self, pool: str, info: MemberInfo, old: Record | None, new: Record | None, now: float
    ) -> None:
        """Replace a member's window in all of its scopes, the narrowest first."""
        oldest = int(now // 1) - WINDOW_SLOTS
        units: Changes = {}
        for scope in info.scopes:
            record = self._pool(pool, scope)
            changes = replace_window(record, scope, old, new)
            for number, change in units.items():
                row = changes.setdefault(number, [0] * SLOT_COLUMNS)
                row[:] = [a + b for a, b in zip(row, change, strict=True)]
            before = flags(record, changes)
            apply_changes(record, changes, oldest)
            _add_unit_changes(units, scope, before, flags(record, changes))
            rank(record, _failures_of(info, scope, new, now), now)
            self._put_pool(pool, scope, record)

    def _view(self, report: BreakerReport, info: MemberInfo, now: float) -> BreakerView:
        return BreakerView(
            report.pool, tuple(self._scope_view(report.pool, s, info, now) for s in report.scopes)
        )

    def _scope_view(self, pool: str, report: ScopeReport, info: MemberInfo, now: float) -> PoolView:
        record = self._pool(pool, report.scope)
        episode = episode_of(record)
        lease = None
        if episode.version:
            # Units are hosts, or members where the host is all there is.
            host = info.host if report.scope == FLEET or report.scope.startswith("zone:") else ""
            host = host or info.id
            lease = leases.grant(record["leases"], episode, info.id, host, report.wants, now)
            self._put_pool(pool, report.scope, record)
        return pool_view(record, report.scope, now)._replace(lease=lease)

    def _sweep(self, now: float) -> None:
        """Take the windows of a few silent members out of the sums, and forget the oldest."""
        for id_, heard in self._records.oldest(_SWEPT):
            if now - heard < SILENT_AFTER:
                break
            self._silence(id_, heard, now)
        for id_, heard in self._records.oldest(1, live=False):
            if now - heard >= FORGET_AFTER:
                self._count(silent=-is_silent(self._records.get(f"member:{id_}")))
                self._records.delete(f"member:{id_}")
                self._records.forget(id_)

    def _silence(self, id_: str, heard: float, now: float) -> None:
        self._records.heard(id_, heard, live=False)
        member = self._records.get(f"member:{id_}")
        if member is None:
            return
        info = member_info(member["info"])
        for pool, window in member["windows"].items():
            self._replace(pool, info, window, None, now)
        member["silent"] = {pool: each["state"] for pool, each in member["windows"].items()}
        member["windows"], member["live"] = {}, False
        self._records.put(f"member:{id_}", member)
        self._count(live=-1, silent=1)

    # --- commands

    def set_mode(self, register: Register, now: float) -> Register:
        """Write an operator's mode; return it with epoch and time filled in."""
        registers.refuse_late(register.at, now)
        written = register._replace(epoch=self.epoch(now), at=now)
        commands = self._commands()
        registers.write(commands, written, now)
        self._records.put("registers", commands)
        return written

    def act(self, act: Act, now: float) -> Act:
        """Hand out an act; return it with its time filled in."""
        registers.refuse_late(act.at, now)
        given = act._replace(at=now)
        commands = self._commands()
        registers.give(commands, given)
        self._records.put("registers", commands)
        return given

    def progress(self, breaker: str, command: str, now: float) -> Progress:
        """Return how far a command has come. The cost grows with the number of members."""
        return progress_of(self._records, self._commands(), breaker, command, now)

    # --- lists

    def members(self, now: float) -> tuple[MemberEntry, ...]:
        """Return all members. The cost grows with their number."""
        return all_members(self._records, now)

    def pool(self, name: str, scope: str, now: float) -> tuple[PoolView, tuple[int, ...]]:
        """Return the sums of one scope, and the merged sketch of durations."""
        record = self._pool(name, scope)
        return pool_view(record, scope, now), merged_sketch(record)

    # --- records

    def _hub(self) -> Record:
        record = self._records.get("hub")
        if record is None:
            raise LookupError("the hub has no epoch yet")
        return record

    def epoch(self, now: float) -> str:
        """Return the id of the hub's memory; a new one is larger than those before."""
        record = self._records.get("hub")
        if record is None:
            record = {"epoch": f"{int(now * 1000):015d}-{self._new_id()}", "members": 0}
            self._records.put("hub", record)
        return str(record["epoch"])

    def _count(self, *, live: int = 0, silent: int = 0) -> None:
        """Count members that report again or not any more, and those that went silent."""
        if live or silent:
            record = self._hub()
            record["members"] += live
            record["silent"] = record.get("silent", 0) + silent
            self._records.put("hub", record)

    def _commands(self) -> Record:
        return self._records.get("registers") or registers.empty_registers()

    def _pool(self, pool: str, scope: str) -> Record:
        return self._records.get(f"pool:{pool}@{scope}") or empty_pool()

    def _put_pool(self, pool: str, scope: str, record: Record) -> None:
        self._records.put(f"pool:{pool}@{scope}", record)


def _add_unit_changes(
    units: Changes,
    scope: str,
    before: dict[int, tuple[int, int]],
    after: dict[int, tuple[int, int]],
) -> None:
    """Add what changed of a host or zone as one unit to `units`, for the wider scopes."""
    column = UNIT_COLUMNS.get(scope.partition(":")[0])
    if column is None:
        return
    for number in {*before, *after}:
        row = units.setdefault(number, [0] * SLOT_COLUMNS)
        for offset in range(2):
            old, new = before.get(number, (0, 0)), after.get(number, (0, 0))
            row[column + offset] += new[offset] - old[offset]


def _failures_of(info: MemberInfo, scope: str, window: Record | None, now: float) -> Worst:
    """Return a member's calls and failures that count in the pool of that scope."""
    slots = window["slots"] if window is not None and scope in window["counted"] else []
    calls, failures = sum(slot[1] for slot in slots), sum(slot[2] for slot in slots)
    return Worst(info.id, info.host, calls, failures, now)
