"""Who goes first when calls are held back: the least important are shed before the others.

Each priority may use a share of the limit. While a more important call had to be turned away, the
shares of the less important ones shrink; as soon as none is, they grow again. So nothing is kept
free for callers that do not come, and one priority alone has the whole limit.
"""

from typing import Final

from breakerd.breaker.context import Priority

_DECREASE: Final = 0.85
"""Factor per sample in which something more important was turned away."""
_INCREASE: Final = 0.02
"""Step per sample in which nothing was."""
_MIN_SHARE: Final = 0.05


class PriorityShares:
    """The share of the limit that each priority may use."""

    def __init__(self) -> None:
        self._shares = dict.fromkeys(Priority, 1.0)
        self._rejected: set[Priority] = set()

    def __getitem__(self, priority: Priority) -> float:
        """The share of `priority`, at most 1."""
        return self._shares[priority]

    @property
    def least(self) -> float:
        """The smallest share that any priority has."""
        return min(self._shares.values())

    def admits(self, priority: Priority, in_flight: int, limit: float) -> bool:
        """Whether one more call may go; at least one always may."""
        if in_flight < max(1.0, limit * self._shares[priority]):
            return True
        self._rejected.add(priority)
        return False

    def advance(self) -> None:
        """Moves the shares by what happened since the last time."""
        worst = max(self._rejected, default=None)
        for priority, share in self._shares.items():
            if worst is not None and priority < worst:
                self._shares[priority] = max(_MIN_SHARE, share * _DECREASE)
            elif priority not in self._rejected or worst is None:
                self._shares[priority] = min(1.0, share + _INCREASE)
        self._rejected.clear()
