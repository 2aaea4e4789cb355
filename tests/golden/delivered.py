"""Records of a receiver: one for each request that had an effect there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Delivered:
    """Effect of one request.

    Attributes:
        at: time, in seconds since the epoch.
        receiver: name of the receiver in a transcript.
        action: what happened there: "create", "priority", "note", "close", "message" (the text of
            an existing alert is replaced), …
        subject: the receiver's name for the alert: alias, key or thread.
        summary: rest of the line in a transcript, such as a priority.
        texts: what a person reads, by the name of the field.
        notifies: True if a person is notified; see `tests.golden.notifications`.
    """

    at: float
    receiver: str
    action: str
    subject: str
    summary: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    notifies: bool = False

    @property
    def text(self) -> str:
        """All that a person reads of it."""
        return "\n".join(self.texts.values())
