"""Policy of a receiver: which incidents it gets, and when."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReceiverPolicy:
    """What of a receiver decides whether and when it is told.

    Attributes:
        name: as in metrics.
        min_priority: it hears only of incidents that are at least this urgent.
        attaches: whether it takes pictures.
        fallback_after: None for one that is always told; else it is told only of incidents that no
            other has confirmed this many seconds after they were due.
    """

    name: str
    min_priority: str = "P5"
    attaches: bool = False
    fallback_after: float | None = None

    def accepts(self, priority: str) -> bool:
        """Whether that priority is urgent enough: P1 is the most urgent."""
        return priority <= self.min_priority
