"""The breaker for the yardstick's simulation, configured with nothing but a service level.

The configuration is the same for all scenarios. `scripts/yardstick` runs it.
"""

from collections.abc import Callable
from typing import Final, Protocol

from breakerd import Breaker, LimiterSettings, Settings, Slo

SUCCESS_RATE: Final = 0.95


class Contract(Protocol):
    """Facts that an operator knows beforehand."""

    @property
    def timeout(self) -> float:
        """Seconds after which the client gives up."""
        ...


def make(
    clock: Callable[[], float], memory: Callable[[], float | None], contract: Contract
) -> Breaker:
    """Return a self-tuning breaker on the clock and memory of the simulation."""
    settings = Settings(
        slo=Slo(success_rate=SUCCESS_RATE, timeout=contract.timeout),
        limiter=LimiterSettings(enabled=True),
    )
    return Breaker(settings, name="yardstick", clock=clock, memory=memory)
