"""Entries in the audit of this host for settings that another host has changed."""

from collections.abc import Sequence
from typing import Final

from breakerd.api.security.audit import AuditLog
from breakerd.api.security.auth import Actor
from breakerd.breaker.fleet.revisions.revision import Revision, dotted

_ACTION: Final = "take settings"
_RIGHT: Final = "fleet"
_CLIENT: Final = "another host"


class SettingsAudit:
    """Records what was taken from another host, for this host: the others have the change itself.

    Args:
        log: the log of this process.
    """

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    def record(self, taken: Sequence[tuple[Revision, object]]) -> None:
        """Record settings with the values that they have replaced; those of each person apart."""
        for name in sorted({revision.by for revision, _ in taken}):
            own = [each for each in taken if each[0].by == name]
            self._log.record(
                Actor(_RIGHT, _CLIENT, name),
                _ACTION,
                breaker=None,
                before={dotted(revision.key): before for revision, before in own},
                after={dotted(revision.key): revision.value for revision, _ in own},
                outcome="done",
                shared=False,
            )
