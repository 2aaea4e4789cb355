"""Priority shares: under load, low-priority calls are shed first.

Each priority may use a share of the limit. While calls of a higher priority are rejected, the
shares of lower ones shrink; when none is, they grow back. No capacity is
reserved for callers that do not come: a priority on its own has the whole limit.
"""

from typing import Final

from breakerd.breaker.context import Priority

_DECREASE: Final = 0.85
"""Factor per sample in which a call of a higher priority was rejected."""
_INCREASE: Final = 0.02
"""Increase per sample in which none was."""
_MIN_SHARE: Final = 0.05
"""Minimum share of a priority."""


class PriorityShares:
    """Share of the limit that each priority may use. Not thread-safe."""

    def __init__(self) -> None:
        self._shares = dict.fromkeys(Priority, 1.0)
        self._rejected: set[Priority] = set()

    def __getitem__(self, priority: Priority) -> float:
        """Return the share of `priority`, at most 1."""
        return self._shares[priority]

    @property
    def least(self) -> float:
        """Return the smallest share of any priority."""
        return min(self._shares.values())

    def admits(self, priority: Priority, in_flight: int, limit: float) -> bool:
        """True if one more call may run; one call always may."""
        if in_flight < max(1.0, limit * self._shares[priority]):
            return True
        self._rejected.add(priority)
        return False

    def advance(self) -> None:
        """Adjust the shares to the rejections since the last sample."""
        worst = max(self._rejected, default=None)
        for priority, share in self._shares.items():
            if worst is not None and priority < worst:
                self._shares[priority] = max(_MIN_SHARE, share * _DECREASE)
            elif priority not in self._rejected or worst is None:
                self._shares[priority] = min(1.0, share + _INCREASE)
        self._rejected.clear()
