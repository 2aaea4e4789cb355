"""Keep what became of the reloads of a file, log it, and tell how the file's edits are noticed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from breakerd.breaker.config.following.subscriber import ReloadStatus
from breakerd.breaker.errors import ConfigProblem
from breakerd.breaker.logging import get_logger

if TYPE_CHECKING:
    from breakerd.breaker.config.file.watcher import FileWatcher

_log = get_logger(__name__)


@dataclass(slots=True)
class ReloadCounts:
    """Numbers of reloads in this process, by what became of them.

    Attributes:
        applied: the file had other settings, which were put in force.
        refused: the file had problems; each set of problems counts once, and with each request.
        unchanged: the file had the settings in force: only comments or the layout had changed, or
            a reload was asked for. A file that was only touched is not counted.
    """

    applied: int = 0
    refused: int = 0
    unchanged: int = 0


class ReloadOutcomes:
    """The result of the last reload, and how many there were of each kind.

    Whoever calls a method holds the lock of the configuration.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.status = ReloadStatus(successful=True, last_success_at=time.time())
        self.counts = ReloadCounts()
        self.on_refused: Callable[[Sequence[ConfigProblem]], None] = lambda _problems: None
        """Called with the problems of a file when it is refused; fast, and raises nothing."""

    def accept(self, *, changed: bool) -> None:
        """Note that the content of the file is active; `changed` if it was not before."""
        self.status = ReloadStatus(successful=True, last_success_at=time.time())
        if changed:
            self.counts.applied += 1
        else:
            self.counts.unchanged += 1
        found = "applied" if changed else "unchanged"
        _log.info(f"configuration {found}", file=str(self._path))

    def reject(self, problems: Sequence[ConfigProblem], *, asked: bool = False) -> None:
        """Note that the file has problems; tell the same ones once. `asked`: a reload was."""
        known = tuple(problems) == self.status.problems
        if asked or not known:
            self.counts.refused += 1
            self.on_refused(problems)
        if known:
            return
        self.status = ReloadStatus(
            successful=False,
            last_success_at=self.status.last_success_at,
            problems=tuple(problems),
        )
        _log.error(
            "configuration rejected",
            file=str(self._path),
            problems=[str(problem) for problem in problems],
        )


@dataclass(frozen=True, slots=True)
class WatchReport:
    """How edits of the file are noticed in this process.

    Attributes:
        by: events of the system, polling alone, or nothing.
        problem: why edits are not seen although the file is watched; empty if they are.
    """

    by: Literal["events", "polling", "nothing"]
    problem: str = ""


def report_on(watcher: "FileWatcher | None") -> WatchReport:
    """Return the report on a watcher; None: there is none."""
    if watcher is None or not watcher.alive:
        return WatchReport("nothing")
    return WatchReport("events" if watcher.has_events else "polling", watcher.problem)
