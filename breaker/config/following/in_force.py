"""Configuration in force: the file's document, the temporary values over it, and who follows it."""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from breakerd.breaker.config.document import Document
from breakerd.breaker.config.edit import edit
from breakerd.breaker.config.following.subscriber import ConfigSubscriber, prepare_all
from breakerd.breaker.config.following.temporary import (
    Temporaries,
    overlaid,
    still_valid,
    without,
)
from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.errors import ConfigError
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

Changes = Mapping[Key, object]
"""New values by key; None removes a key."""
Wanted = Changes | Callable[[Document], Changes]
"""Changes, or what returns them for the document that the file has, or is to have."""


class Plan(NamedTuple):
    """Configuration that was checked, and is not in force yet.

    Attributes:
        lasting: document without temporary values.
        active: the same with them.
        temporary: temporary values.
        steps: what puts it in force; these cannot fail.
        changes: changes that lead to it; empty if it is a whole file.
    """

    lasting: Document
    active: Document
    temporary: Temporaries
    steps: list[Callable[[], None]]
    changes: Changes


class ConfigInForce:
    """Configuration in force. To be used with the file's lock held.

    Attributes:
        lasting: document without temporary values: what the file has, or is to have.
        active: the same with them.
        temporary: values that are in force over those of the file.
        subscribers: owners of sections.
    """

    def __init__(self, document: Document) -> None:
        self.lasting = self.active = document
        self.temporary: Temporaries = ()
        self.subscribers: list[ConfigSubscriber] = []

    def plan_document(self, document: Document) -> Plan:
        """Check what somebody else has written into the file.

        If only temporary values make it invalid, they end: the file counts more.

        Raises:
            ConfigError: every problem in it.
        """
        try:
            return self._plan(document, self.temporary)
        except ConfigError as error:
            if not still_valid(document, self.temporary):
                raise
            plan = self._plan(document, ())
            _log.warning("temporary values ended by the file", problem=str(error))
            return plan

    def plan_changes(self, wanted: Wanted, temporary: Temporaries | None = None) -> Plan:
        """Check changes, which end the temporary values of their keys.

        Args:
            wanted: the changes.
            temporary: temporary values in place of those in force.

        Raises:
            ConfigError: a value is invalid.
            ConfigConflictError: the file cannot be edited as it is written.
        """
        changes = wanted(self.lasting) if callable(wanted) else wanted
        kept = without(self.temporary, changes) if temporary is None else temporary
        touched = {key[0] for key in changes}
        if temporary is not None:
            touched |= {each.key[0] for each in (*temporary, *self.temporary)}
        document = edit(self.lasting, changes)
        if still_valid(document, kept):
            prepare_all(self.subscribers, document, touched)  # the file is to be valid by itself
        return self._plan(document, kept, touched, changes)

    def apply(self, plan: Plan) -> None:
        """Put a plan in force."""
        self.lasting, self.active, self.temporary = plan.lasting, plan.active, plan.temporary
        for step in plan.steps:
            step()

    def _plan(
        self,
        document: Document,
        values: Temporaries,
        sections: Collection[str] | None = None,
        changes: Changes | None = None,
    ) -> Plan:
        valid = still_valid(document, values)
        active = overlaid(document, valid)
        steps = prepare_all(self.subscribers, active, sections)
        return Plan(document, active, valid, steps, changes or {})
