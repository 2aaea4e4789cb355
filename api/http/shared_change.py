"""Change of settings by a request, as far as it is one for other hosts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from breakerd.api.security.auth import Actor
from breakerd.breaker.config.following.origin import Origin, Way, changing_as
from breakerd.breaker.errors import ConfigWriteError
from breakerd.breaker.fleet.asked_change import AskedChange, asked_by
from breakerd.breaker.fleet.drift import Published
from breakerd.breaker.settings import Settings

if TYPE_CHECKING:
    from breakerd.breaker.fleet.runtime.fleet import Fleet

COMMAND_LINE: Final = "breakerd command line"
"""What the commands of `breakerd` say that they are."""
ANSWER_TIME: Final = 2.0
"""Maximum seconds that an answer waits for the other processes."""


@dataclass
class SharedChange:
    """Progress of a change at the other hosts.

    Attributes:
        published: the progress; None before the end, and where all processes read one file.
    """

    published: Published | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as a member `shared` of the answer; nothing if there is none."""
        return {"shared": progress_of(self.published)} if self.published is not None else {}


@dataclass(frozen=True, slots=True)
class SettingsOutcome:
    """Settings in force after a change, and the names of other breakers that it has changed.

    `shared` is its progress at the other hosts.
    """

    settings: Settings
    also_changes: tuple[str, ...] = ()
    shared: SharedChange = field(default_factory=SharedChange)


@contextmanager
def sharing(fleet: "Fleet | None", actor: Actor) -> Iterator[SharedChange]:
    """Name who asks for the changes of settings in the block, and wait for the other processes.

    Raises:
        ConfigWriteError: the block did; its text tells the progress, too.
    """
    change = SharedChange()
    with asked_by(actor.by) as asked, changing_as(origin_of(actor)):
        try:
            yield change
        except ConfigWriteError as error:
            change.published = _published(fleet, asked)
            if change.published is None:
                raise
            raise ConfigWriteError(f"{error}; {change.published}") from None
    change.published = _published(fleet, asked)


def origin_of(actor: Actor) -> Origin:
    """Return the client as the origin of a change."""
    way = Way.COMMAND if actor.tool == COMMAND_LINE else Way.HTTP
    return Origin(way, actor.user or actor.client, actor.right, actor.reason)


def progress_of(published: Published) -> dict[str, Any]:
    """Return the progress as JSON."""
    return {
        "published": published.shared and published.done,
        "applied": published.applied,
        "waiting": published.waiting,
        "this_host_only": list(published.kept),
        "text": str(published),
    }


def _published(fleet: "Fleet | None", asked: AskedChange) -> Published | None:
    shared = fleet.shared_settings if fleet is not None else None
    return shared.published(asked, ANSWER_TIME) if shared is not None else None
