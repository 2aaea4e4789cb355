"""Judgement of a hub's file."""

from collections.abc import Iterator
from typing import Final

from breakerd.alerts.doctor.finding import Finding, fail, ok, warning
from breakerd.breaker.fleet.hub.file.inspection import FileInspection

_OWN_MODE: Final = 0o600
_LEAST_FREE: Final = 100 * 2**20
"""Bytes of free disk below which it is time to do something."""
_ELSEWHERE: Final = "set `[alerts] database` to a path on a disk of this host"


def judge_file(found: FileInspection) -> Iterator[Finding]:
    """Yield what is right and wrong with the file of a hub."""
    yield _usable(found)
    if found.network:
        text = f"{found.path} is on a network file system ({found.network}), where locks fail"
        yield warning("hub disk", text, _ELSEWHERE)
    elif found.free < _LEAST_FREE:
        text = f"{found.free // 2**20} MiB are free on the disk of {found.path}"
        yield warning("hub disk", text, "make room: without it each process decides alone")
    else:
        yield ok("hub disk", f"{found.free // 2**20} MiB are free")
    if found.exists and found.mode != _OWN_MODE:
        text = f"{found.path} has mode {found.mode:04o}: it holds operators' names and notes"
        yield warning("hub mode", text, f"chmod {_OWN_MODE:04o} {found.path}")


def _usable(found: FileInspection) -> Finding:
    if found.problem:
        text = f"{found.path}: {found.problem}"
        return fail("hub", text, "repair it: until then each process decides alone")
    if found.locked:
        text = f"{found.path} is locked for a second: each process decides alone"
        return warning("hub", text, "look for a stopped process that has it open (`fuser`, `lsof`)")
    if not found.exists:
        return ok("hub", f"{found.path} does not exist yet; the first process creates it")
    return ok("hub", f"{found.path} is readable and writable")
