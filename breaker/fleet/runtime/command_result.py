"""Result of an operator's command to a fleet."""

from dataclasses import dataclass, field

from breakerd.breaker.fleet.hub.protocol import Progress
from breakerd.breaker.fleet.prevailing_state import prevailing_state
from breakerd.breaker.states import State


@dataclass(frozen=True, slots=True)
class CommandResult:
    """Progress of a command at the time it returned.

    Attributes:
        applied: processes that have done it.
        waiting: processes that have not told yet.
        silent: processes that hold the breaker and do not report.
        without: processes that do not hold the breaker.
        refused: (process, reason) of those that could not do it.
        problem: why not everybody was asked; empty if everybody was.
        state: state of the breaker in most processes that hold it; None if it is not known.
    """

    applied: int = 0
    waiting: int = 0
    silent: int = 0
    without: int = 0
    refused: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    state: State | None = field(default=None, compare=False)

    @classmethod
    def from_progress(cls, progress: Progress) -> "CommandResult":
        """Return the result that the hub's counts stand for."""
        state = prevailing_state(progress.states)
        return cls(*progress[:4], refused=progress.refused, state=state)

    def __str__(self) -> str:
        """Return the counts as one line: `applied 37, waiting 2, silent 1, without …`."""
        parts = [
            f"applied {self.applied}",
            f"waiting {self.waiting}",
            f"silent {self.silent}",
            f"without this breaker {self.without}",
        ]
        if self.refused:
            parts.append(f"refused {len(self.refused)} ({self.refused[0][1]})")
        return ", ".join(parts) + (f"; {self.problem}" if self.problem else "")
