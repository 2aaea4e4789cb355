"""Entries in the audit for promises to promote a candidate that were settled."""

from typing import Final

from breakerd.api.security.audit import AuditLog
from breakerd.api.security.auth import Actor
from breakerd.breaker.promotion.promise import Promise, Settled

_ACTION: Final = "keep promise to promote"
_RIGHT: Final = "promise"
_CLIENT: Final = "this service"


class PromotionAudit:
    """Records what became of promises, in the name of whoever made them.

    Args:
        log: the log of this process.
    """

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    def record(self, promise: Promise, settled: Settled) -> None:
        """Record a promise that was kept, or that is void."""
        kept = settled.ending == "kept"
        self._log.record(
            Actor(_RIGHT, _CLIENT, promise.by),
            _ACTION,
            breaker=promise.breaker,
            before={"promise": promise.condition.text or "no condition"},
            after=dict(promise.values) if kept else {},
            outcome="done" if kept else "refused",
            detail=settled.text,
        )
