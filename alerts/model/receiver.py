"""Policy of a receiver: which incidents it is notified of, and when."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReceiverPolicy:
    """Conditions under which a receiver is notified.

    Attributes:
        name: name of the receiver, as in metrics.
        min_priority: least urgent priority that it is notified of.
        attaches: True if it accepts attachments.
        updates: True if the text of an existing alert can be changed without paging anybody.
        notes: True if it takes notes.
        whole: True if each request carries the whole alert: a stage its text, a repeated creation
            its priority.
        closes_only: True if it is no longer configured, and only closes what it has.
        fallback_after: None for a regular receiver. A fallback is notified only of incidents that
            no other receiver has confirmed this many seconds after they were due.
    """

    name: str
    min_priority: str = "P5"
    attaches: bool = False
    updates: bool = False
    notes: bool = True
    whole: bool = False
    closes_only: bool = False
    fallback_after: float | None = None

    def accepts(self, priority: str) -> bool:
        """Return True if the priority is urgent enough. P1 is the most urgent."""
        return priority <= self.min_priority
