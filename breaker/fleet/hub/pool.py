"""Pool: sums over the windows of the members of one scope that are alike, for one breaker.

A member's window is replaced as a whole: the sums lose what they hold of it, and gain the new one,
so a report that comes twice, late or never leaves them right. The cost is that of one window,
whatever the number of members.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from breakerd.breaker.fleet.episode import NONE, Episode
from breakerd.breaker.fleet.hub.records import Record
from breakerd.breaker.fleet.messages import (
    WINDOW_SLOTS,
    BreakerReport,
    PoolSlot,
    PoolView,
    Totals,
    Worst,
)

CAP: Final = 3
"""Calls of one member in one slot that count, however many there were."""
VIEW_SLOTS: Final = 6
"""Newest slots that a view has."""
_WORST: Final = 3
SLOT_COLUMNS: Final = len(PoolSlot._fields) - 1
"""Columns of `PoolSlot` behind the number."""
Changes = dict[int, list[int]]
"""Changes of the columns of `PoolSlot` behind the number, by number of the slot."""
EVIDENCE_COLUMNS: Final = 8
"""Columns that count in one generation only; the others are the load, which goes on."""
UNIT_COLUMNS: Final = {"host": 4, "zone": 6}
"""Column of `PoolSlot` that counts units of that kind with traffic; those in trouble are next."""


def empty_pool() -> Record:
    """Return the record of a pool without members."""
    return {
        "slots": [],
        "totals": [0] * len(Totals._fields),
        "members": 0,
        "states": {},
        "sketch": {},
        "worst": [],
        "episode": list(NONE),
        "leases": {},
    }


WINDOW_PARTS: Final = ("slots", "totals", "sketch", "state")
"""Parts of a window that are in the sums."""


def window_of(report: BreakerReport) -> Record:
    """Return what a hub keeps of a report, to take it out of the sums again."""
    return {
        "slots": [list(slot) for slot in report.slots[-WINDOW_SLOTS:]],
        "totals": list(report.totals),
        "sketch": list(report.sketch),
        "state": report.state,
        "generations": {scope.scope: scope.generation for scope in report.scopes},
        "counted": {},
    }


def episode_of(pool: Record) -> Episode:
    """Return the episode of a pool."""
    return Episode(*pool["episode"])


def replace_window(pool: Record, scope: str, old: Record | None, new: Record | None) -> Changes:
    """Put the window `new` of a member in place of its window `old`; return what changed by slot.

    Calls of another generation than the pool's are load, and evidence of nothing.
    """
    changes: Changes = {}
    generation = episode_of(pool).generation
    if old is not None:
        _add_slots(changes, old["slots"], -1, counts=old["counted"].get(scope) == generation)
        _add_totals(pool, old, -1)
    if new is not None:
        counts = new["generations"].get(scope) == generation
        if counts:
            new["counted"][scope] = generation
        _add_slots(changes, new["slots"], 1, counts=counts)
        _add_totals(pool, new, 1)
    return changes


def contribution(columns: Sequence[int]) -> tuple[int, ...]:
    """Return what one member's slot, without its number, adds to the columns of `PoolSlot`."""
    calls, failures, offered, busy, ended, slow = columns
    counted = min(calls, CAP)
    # Rounded, so that what is taken out later is what was put in.
    failed = round(counted * failures / calls) if calls else 0
    evidence = (counted, failed, int(calls > 0), int(2 * failures > calls), 0, 0, 0, 0)
    return (*evidence, offered, busy, ended, int(ended + slow > 0), int(2 * slow > ended))


def apply_changes(pool: Record, changes: Changes, oldest: int) -> None:
    """Add `changes` to the slots, and drop those before the number `oldest`."""
    rows = {row[0]: row for row in pool["slots"] if row[0] >= oldest}
    for number, change in changes.items():
        if number < oldest:
            continue
        row = rows.setdefault(number, [number, *[0] * SLOT_COLUMNS])
        # A unit's flag may be of a time before the sums began anew.
        row[1:] = [max(0, value + by) for value, by in zip(row[1:], change, strict=True)]
    pool["slots"] = [rows[number] for number in sorted(rows) if any(rows[number][1:])]


def flags(pool: Record, numbers: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Return (has traffic, is in trouble) of the scope as one unit, for those slots."""
    wanted = set(numbers)
    return {
        row[0]: (int(row[1] > 0), int(2 * row[2] > row[1]))
        for row in pool["slots"]
        if row[0] in wanted
    }


def set_episode(pool: Record, episode: Episode) -> None:
    """Store an episode; with another generation the evidence begins anew, and leases end."""
    if episode.generation != episode_of(pool).generation:
        for row in pool["slots"]:
            row[1 : 1 + EVIDENCE_COLUMNS] = [0] * EVIDENCE_COLUMNS
        pool["slots"] = [row for row in pool["slots"] if any(row[1:])]
        pool["worst"] = []
        pool["leases"] = {}
    pool["episode"] = list(episode)


def rank(pool: Record, entry: Worst, now: float) -> None:
    """Put a member's failures in the list of the worst, or take it off."""
    fresh = [Worst(*each) for each in pool["worst"]]
    fresh = [e for e in fresh if e.member != entry.member and now - e.at <= WINDOW_SLOTS]
    if entry.failures:
        fresh.append(entry)
    fresh.sort(key=lambda e: (-e.failures / e.calls, -e.failures, e.member))
    pool["worst"] = [list(each) for each in fresh[:_WORST]]


def pool_view(pool: Record, scope: str, now: float) -> PoolView:
    """Return the view of a pool, without a lease."""
    newest = int(now // 1)
    episode = episode_of(pool)
    return PoolView(
        scope=scope,
        slots=tuple(PoolSlot(*r) for r in pool["slots"] if r[0] > newest - VIEW_SLOTS),
        totals=Totals(*pool["totals"]),
        members=pool["members"],
        states=tuple(sorted(pool["states"].items())),
        worst=tuple(Worst(*each) for each in pool["worst"]),
        episode=episode if episode.version else None,
    )


def merged_sketch(pool: Record) -> tuple[int, ...]:
    """Return the sum of the members' sketches, in the form of a report's."""
    counts = {int(bucket): count for bucket, count in pool["sketch"].items()}
    if not counts:
        return ()
    first, last = min(counts), max(counts)
    return (first, *(counts.get(bucket, 0) for bucket in range(first, last + 1)))


def _add_slots(changes: Changes, slots: list[list[int]], sign: int, *, counts: bool) -> None:
    for number, *columns in slots:
        change = changes.setdefault(number, [0] * SLOT_COLUMNS)
        for column, value in enumerate(contribution(columns)):
            if counts or column >= EVIDENCE_COLUMNS:
                change[column] += sign * value


def _add_totals(pool: Record, window: Record, sign: int) -> None:
    pool["totals"] = [a + sign * b for a, b in zip(pool["totals"], window["totals"], strict=True)]
    pool["members"] += sign
    _count(pool["states"], window["state"], sign)
    first, *counts = window["sketch"] or [0]
    for bucket, count in enumerate(counts, first):
        _count(pool["sketch"], str(bucket), sign * count)


def _count(counts: dict[str, Any], key: str, by: int) -> None:
    count = counts.get(key, 0) + by
    if count:
        counts[key] = count
    else:
        counts.pop(key, None)
