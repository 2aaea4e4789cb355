"""Commands at a hub: modes, of which the last one written wins, and acts, done once by each."""

from typing import Final

from breakerd.breaker.fleet.hub.protocol import TOO_LATE, HubUnavailableError
from breakerd.breaker.fleet.hub.records import Record
from breakerd.breaker.fleet.messages import Act, Register, Report

KEPT: Final = 7 * 86400.0
"""Seconds for which a mode that ended is remembered, so that nobody brings it back."""
ACT_TIME: Final = 30.0
"""Seconds for which an act is handed out."""

LATE: Final = 1.0
"""Seconds after which a command is not taken any more: its giver has been told that it failed."""


def refuse_late(sent_at: float, now: float) -> None:
    """Refuse a command that a stopped hub has held up: it would win over those given after it.

    Args:
        sent_at: hub time at which it was sent, as its giver reckons; 0 if that does not know it.
        now: hub time.

    Raises:
        HubUnavailableError: its giver has been told that the hub is away.
    """
    if sent_at and now - sent_at > LATE:
        raise HubUnavailableError(TOO_LATE)


def empty_registers() -> Record:
    """Return the record of a hub without commands; versions grow with each change."""
    return {"version": 0, "modes": {}, "acts": {}}


def write(registers: Record, register: Register, now: float) -> bool:
    """Store a register unless a later one is there; return True if it was stored."""
    before = registers["modes"].get(register.breaker)
    if before is not None and Register(*before["register"]).order >= register.order:
        return False
    # Larger than any version before, also after the hub's state went back in time.
    registers["version"] = max(registers["version"] + 1, int(now * 1000))
    registers["modes"][register.breaker] = {
        "register": list(register),
        "version": registers["version"],
        "until": None if register.mode else now + KEPT,
    }
    return True


def newer(registers: Record, version: int) -> tuple[Register, ...]:
    """Return the registers that changed since that version."""
    return tuple(
        Register(*each["register"])
        for each in registers["modes"].values()
        if each["version"] > version
    )


def version_of(registers: Record, breaker: str, command: str) -> int | None:
    """Return the version at which the mode with that id was written; None if it is not there."""
    each = registers["modes"].get(breaker)
    known = each is not None and Register(*each["register"]).id == command
    return int(each["version"]) if known else None


def give(registers: Record, act: Act) -> None:
    """Store an act, unless one with its id is there."""
    registers["acts"].setdefault(act.id, {"act": list(act), "applied": {}})


def note_applied(registers: Record, member: str, applied: tuple[tuple[str, str], ...]) -> None:
    """Note what became of acts at a member."""
    for act, outcome in applied:
        if act in registers["acts"]:
            registers["acts"][act]["applied"][member] = outcome


def joined(held: Record | None, report: Report, now: float) -> float:
    """Return the hub time since which a member is here; 0 if it was before the hub forgot.

    Args:
        held: what the hub holds of the member.
        report: the member's report.
        now: hub time.
    """
    if held is not None and held["info"][1] == report.member.incarnation:
        return float(held["joined"])
    return 0.0 if report.epoch else now


def to_do(registers: Record, member: str, joined: float, now: float) -> tuple[Act, ...]:
    """Return the acts in force that the member was there for and has not done."""
    acts = [
        Act(*each["act"]) for each in registers["acts"].values() if member not in each["applied"]
    ]
    return tuple(act for act in acts if joined <= act.at and now - act.at < ACT_TIME)


def expire(registers: Record, now: float) -> bool:
    """Drop acts and ended modes that are old; return True if there were any.

    An act is kept for a while after its time, for those who ask what became of it.
    """
    old_acts = [id_ for id_, e in registers["acts"].items() if now - e["act"][3] > 2 * ACT_TIME]
    modes = registers["modes"]
    old_modes = [name for name, e in modes.items() if e["until"] is not None and now > e["until"]]
    for id_ in old_acts:
        del registers["acts"][id_]
    for name in old_modes:
        del modes[name]
    return bool(old_acts or old_modes)
