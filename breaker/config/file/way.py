"""Find the names and folders that a path leads through, symbolic links included."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MAX_LINKS: Final = 40
"""Links that Linux follows in one path."""


@dataclass(frozen=True, slots=True)
class Way:
    """The way to a file at one moment; two are equal if they lead through the same folders.

    Attributes:
        names: each name on the way. Whatever leads to another file or content changes one of them.
        folders: folders that hold the file or a link to it, by their identity.
        parents: their parents, by their identity: a folder may be replaced.
    """

    names: frozenset[str]
    folders: tuple[tuple[str, tuple[int, int]], ...]
    parents: tuple[tuple[str, tuple[int, int]], ...]


def find_way(path: Path) -> Way:
    """Return the way to `path`, as far as it exists."""
    names, folders = [], []
    for folder, name, is_link in _steps(path.absolute()):
        names.append(str(Path(folder, name)))
        if is_link:
            folders.append(folder)
    if names:
        folders.append(str(Path(names[-1]).parent))
    parents = [str(Path(folder).parent) for folder in folders]
    further = [parent for parent in parents if parent not in folders]
    return Way(frozenset(names), tuple(_identified(folders)), tuple(_identified(further)))


def _steps(path: Path) -> Iterator[tuple[str, str, bool]]:
    """Yield each folder without links in it, the name looked up there, and whether it is a link."""
    here, links = path.anchor, 0
    pending = list(reversed(path.parts[1:]))
    while pending:
        name = pending.pop()
        if name == "..":
            here = str(Path(here).parent)
            continue
        try:
            target = Path(here, name).readlink()
        except OSError:  # no link, or nothing
            yield here, name, False
            here = str(Path(here, name))
            continue
        yield here, name, True
        links += 1
        if links > _MAX_LINKS:
            return
        here = target.anchor or here
        pending += reversed(target.parts[bool(target.anchor) :])


def _identified(folders: list[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    for folder in dict.fromkeys(folders):
        try:
            found = os.stat(folder)  # noqa: PTH116 - many of them, each look
        except OSError:
            continue
        yield folder, (found.st_dev, found.st_ino)
