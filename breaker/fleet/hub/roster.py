"""Roster of a hub: who its members are, and how far a command has come with them.

Pure: the time is passed in. The cost grows with the number of members, so it is for those who
command or look.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from breakerd.breaker.fleet.hub import registers
from breakerd.breaker.fleet.hub.protocol import MemberEntry, Progress
from breakerd.breaker.fleet.hub.records import Record, Records
from breakerd.breaker.fleet.messages import member_info

SILENT_AFTER: Final = 5.0
"""Seconds without a report after which a member is silent, and its window counts no more."""


def all_members(records: Records, now: float) -> tuple[MemberEntry, ...]:
    """Return all members."""
    found = []
    for _, heard, member in _present(records):
        age = max(0.0, now - heard)
        states = tuple(sorted(_states(member).items()))
        found.append(MemberEntry(member_info(member["info"]), age, age >= SILENT_AFTER, states))
    return tuple(found)


def progress_of(
    records: Records, commands: Record, breaker: str, command: str, now: float
) -> Progress:
    """Return how far the act, or the mode, with the id `command` has come.

    Args:
        records: records of the hub.
        commands: its record of modes and acts.
        breaker: name of the breaker.
        command: id of the act or mode.
        now: hub time in seconds.
    """
    version = registers.version_of(commands, breaker, command)
    outcomes: dict[str, str] = commands["acts"].get(command, {}).get("applied", {})
    counts = dict.fromkeys(("applied", "waiting", "silent", "without"), 0)
    refused = []
    states: Counter[str] = Counter()
    for id_, heard, member in _present(records):
        states_here = sorted(_states(member).items())
        held = [state for pool, state in states_here if pool.partition("|")[0] == breaker]
        silent = now - heard >= SILENT_AFTER
        outcome = outcomes.get(id_)
        done = (
            outcome == "done" if version is None else member.get("register_version", 0) >= version
        )
        states.update(() if silent else held[:1])
        if not held:
            counts["without"] += 1
        elif done:
            counts["applied"] += 1
        elif outcome:
            refused.append((id_, outcome))
        else:
            counts["silent" if silent else "waiting"] += 1
    return Progress(**counts, refused=tuple(refused), states=tuple(sorted(states.items())))


def is_silent(member: Record | None) -> int:
    """Return 1 if that is a member whose reports have ceased, and which has not left; else 0."""
    return int(member is not None and not member["live"] and not member.get("left"))


def _present(records: Records) -> Iterator[tuple[str, float, Record]]:
    """Yield id, time of the last report and record of all who have not left in order."""
    for id_, heard in records.all_heard():
        member = records.get(f"member:{id_}")
        if member is not None and not member.get("left"):
            yield id_, heard, member


def _states(member: Record) -> dict[str, str]:
    """Return the states of a member's breakers by pool: the last ones known of a silent one."""
    windows = {pool: window["state"] for pool, window in member["windows"].items()}
    silent: dict[str, str] = member["silent"]
    return windows or silent
