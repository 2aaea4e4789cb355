"""Slots of one breaker: from the record of the host, or from memory where none is kept."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from breakerd.api.history.moments import ALLOWED, ALLOWED_STEP, parse_moment, parse_step, show_step
from breakerd.api.http.admin import AdminContext
from breakerd.breaker.config.show_value import format_value
from breakerd.breaker.config.validate import suggest_key
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.record import Record
from breakerd.breaker.record.rows import RecordError
from breakerd.breaker.record.schema import COARSE, FINE

MAX_POINTS: Final = 2000
"""Maximum number of points in an answer."""
_USUAL_POINTS: Final = 400
"""Number of points that a step is chosen for, where none is given."""
_SECONDS_BACK: Final = 905.0
"""Seconds for which the memory of a process has slots of a second, and a little more."""
_STEPS: Final = (10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400, 604_800)
"""Steps that are chosen, the least one that gives few enough points."""
_LATENESS: Final = 12.0
"""Seconds after which each process of the host has written a slot that is over."""
_FLEET_LATENESS: Final = 40.0
"""Seconds after which each host has told the others of a slot, if the hub answers."""
HOST, PROCESS, FLEET = "host", "process", "fleet"
_NEVER_LEFT_OUT: Final = "start"
FIELDS: Final = tuple(HistorySlot(0.0, 10.0).to_dict())
"""What may be asked for of a slot."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for.

    Attributes:
        start: seconds since the epoch.
        end: seconds since the epoch.
        step: width of the slots in seconds; None: the one that fits.
        fields: what of each slot.
        scope: whose calls, `host` or `fleet`.
        member: only those of this process (HOST:PID) of the host, or of this host of the fleet;
            empty for all.
    """

    start: float
    end: float
    step: float | None
    fields: Sequence[str]
    scope: str = HOST
    member: str = ""


def parse_question(begin: str, end: str, step: str, fields: str, now: float) -> Question:
    """Return what is asked for.

    Args:
        begin: first moment.
        end: last moment.
        step: width of the slots; empty for the one that fits.
        fields: names with commas between; empty for all.
        now: seconds since the epoch.

    Raises:
        ConfigError: every problem in the query.
    """
    problems: list[ConfigProblem] = []
    moments = [_moment(problems, key, text, now) for key, text in (("from", begin), ("to", end))]
    if not problems and moments[0] >= moments[1]:
        problems.append(_problem("from", begin, f"a time before `to`, which is {end!r}"))
    width = None
    if step:
        try:
            width = parse_step(step)
        except ValueError:
            problems.append(_problem("step", step, ALLOWED_STEP))
    wanted = _fields(problems, fields)
    if problems:
        raise ConfigError(problems)
    return Question(moments[0], moments[1], width, wanted)


def answer(admin: AdminContext, breaker: str, question: Question, now: float) -> dict[str, Any]:
    """Return the slots that are asked for, and what they are.

    Args:
        admin: the admin plane.
        breaker: name of the breaker.
        question: what is asked for.
        now: seconds since the epoch.

    Raises:
        ConfigError: the step is too small for that much time, or for what is kept of it.
    """
    problem = ""
    found: _Found | None = None
    record = admin.record
    if question.scope == FLEET or question.member:
        found = _of_members(admin, breaker, question, now)
    elif record is not None and record.running and not _wants_seconds(question):
        try:
            found = _from_record(record, breaker, question, now)
        except RecordError as error:
            problem = str(error)
    if found is None:
        found = _from_memory(admin, breaker, question, now)
    return {
        "breaker": breaker,
        "from": question.start,
        "to": question.end,
        "step": found.step,
        "source": found.source,
        "complete_until": found.complete_until,
        "problem": problem or None,
        "slots": [_shown(slot, question.fields) for slot in found.slots],
    }


@dataclass(frozen=True, slots=True)
class _Found:
    """Slots, and where they are from."""

    slots: list[HistorySlot]
    step: float
    source: str
    complete_until: float


def _from_record(record: Record, breaker: str, question: Question, now: float) -> _Found:
    start, end = question.start, question.end
    floor = record.reader().fine_from()
    step = _step(question, FINE if question.step or start >= floor else COARSE)
    slots = []
    if step % COARSE and start < floor:
        # Minutes, where there is nothing finer any more: better than a gap.
        slots = record.slots(breaker, start, min(end, floor), COARSE)
        start = min(end, floor)
    slots += record.slots(breaker, start, end, step)
    # A process writes a slot when it is over.
    return _Found(slots, step, HOST, (now - _LATENESS) // FINE * FINE)


def _of_members(admin: AdminContext, breaker: str, question: Question, now: float) -> _Found:
    """Return what is kept of a fleet, or of one of its hosts, or of one process of this host."""
    record = admin.record
    if question.scope == FLEET:
        reader, lateness = admin.fleet_record(), _FLEET_LATENESS
        if reader is None:
            allowed = "host: no hub joins this host to others, or nothing is kept on disk"
            raise ConfigError([_problem("scope", FLEET, allowed)])
    elif record is None or not record.running:
        raise ConfigError([_problem("member", question.member, "nothing: no record is kept")])
    else:
        reader, lateness = record.reader(), _LATENESS
    member = question.member or None
    if member is not None and member not in (known := reader.members()):
        allowed = ", ".join(known) or "nothing yet"
        raise ConfigError([_problem("member", member, allowed)])
    fine = member is not None or question.start >= reader.fine_from()
    step = _step(question, FINE if fine else COARSE)
    slots = reader.slots(breaker, question.start, question.end, step=step, member=member)
    return _Found(slots, step, question.scope, (now - lateness) // FINE * FINE)


def _from_memory(admin: AdminContext, breaker: str, question: Question, now: float) -> _Found:
    found = admin.registry.find(breaker)
    seconds = _wants_seconds(question)
    if seconds and question.start < (oldest := now - _SECONDS_BACK):
        allowed = f"at least {show_step(FINE)}, or a `from` after {oldest:.0f}"
        raise ConfigError([_problem("step", show_step(question.step or 0), allowed)])
    step = _step(question, 1 if seconds else FINE)
    start, end = question.start, question.end
    slots = found.history(start, end, step) if found is not None else []
    # Where a second is asked for, the oldest slots may be of ten.
    return _Found([each for each in slots if each.width == step], step, PROCESS, now)


def _wants_seconds(question: Question) -> bool:
    """Return True if the slots are asked for more finely than they are written."""
    return question.step is not None and question.step < FINE


def _step(question: Question, unit: float) -> float:
    """Return the width of the slots: as asked for, or chosen.

    Args:
        question: what is asked for.
        unit: width of the slots that there are.

    Raises:
        ConfigError: it is too small for that much time, or no multiple of `unit`.
    """
    span = question.end - question.start
    if question.step is None:
        fitting = (each for each in _STEPS if each >= unit and span <= each * _USUAL_POINTS)
        return float(next(fitting, math.ceil(span / _USUAL_POINTS / _STEPS[-1]) * _STEPS[-1]))
    least = unit * max(1, math.ceil(span / MAX_POINTS / unit))
    if least > COARSE:
        least = math.ceil(least / COARSE) * COARSE
    if question.step < least or question.step % unit:
        allowed = (
            f"at least {show_step(least)} (at most {MAX_POINTS:,} slots), a multiple of "
            f"{show_step(unit)}"
        )
        raise ConfigError([_problem("step", show_step(question.step), allowed)])
    return question.step


def _shown(slot: HistorySlot, fields: Sequence[str]) -> dict[str, object]:
    data = slot.to_dict()
    return {name: data[name] for name in fields}


def _moment(problems: list[ConfigProblem], key: str, text: str, now: float) -> float:
    try:
        return parse_moment(text, now)
    except (ValueError, OverflowError):
        problems.append(_problem(key, text, ALLOWED))
        return now


def _fields(problems: list[ConfigProblem], text: str) -> list[str]:
    """Return the names that are asked for, with that which is never left out."""
    if not text:
        return list(FIELDS)
    wanted = {name.strip() for name in text.split(",") if name.strip()}
    problems += [
        ConfigProblem("request", 0, "fields", format_value(name), suggest_key(name, list(FIELDS)))
        for name in sorted(wanted - set(FIELDS))
    ]
    return [name for name in FIELDS if name in wanted or name == _NEVER_LEFT_OUT]


def _problem(key: str, found: str, allowed: str) -> ConfigProblem:
    return ConfigProblem("request", 0, key, format_value(found), allowed)
