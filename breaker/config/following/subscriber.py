"""Owner of sections of the file, the listener to its changes, and the result of a reload."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from breakerd.breaker.config.document import Document
from breakerd.breaker.errors import ConfigError, ConfigProblem


class ConfigSubscriber(Protocol):
    """An owner of sections of the file."""

    def owns(self, section: str) -> bool:
        """Return True if the top-level key `section` belongs to this subscriber."""
        ...

    def prepare(self, document: Document) -> Callable[[], None]:
        """Do everything that can fail without changing state; return the step that applies it.

        The step cannot fail, and changes only what differs from the active configuration.

        Raises:
            ConfigError: every problem in its sections.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReloadStatus:
    """The result of the last reload.

    Attributes:
        successful: True if the content of the file is active.
        last_success_at: time the active configuration was read, in seconds since the epoch.
        problems: the problems in the file; empty if there are none.
    """

    successful: bool
    last_success_at: float
    problems: tuple[ConfigProblem, ...] = ()


def prepare_all(
    subscribers: Iterable[ConfigSubscriber],
    document: Document,
    sections: Collection[str] | None = None,
) -> list[Callable[[], None]]:
    """Prepare all subscribers; with `sections`, only the owners of one of them.

    Raises:
        ConfigError: every problem that they found.
    """
    problems: list[ConfigProblem] = []
    steps: list[Callable[[], None]] = []
    for subscriber in subscribers:
        if sections is not None and not any(map(subscriber.owns, sections)):
            continue
        try:
            steps.append(subscriber.prepare(document))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: problem.line))
    return steps


def ignore_change(_before: Document, _after: Document) -> None:
    """Listen to no change."""
