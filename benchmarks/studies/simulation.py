"""The breaker as the yardstick's simulation drives it: nothing is stated but the service level.

One configuration for every scenario. `scripts/yardstick` runs it.
"""

from collections.abc import Callable
from typing import Final, Protocol

from breakerd import Breaker, LimiterSettings, Settings, Slo

SUCCESS_RATE: Final = 0.95


class Contract(Protocol):
    """What an operator can tell beforehand."""

    @property
    def timeout(self) -> float:
        """Seconds after which the client hangs up."""
        ...


def make(
    clock: Callable[[], float], memory: Callable[[], float | None], contract: Contract
) -> Breaker:
    """A self-tuning breaker on the simulation's clock and memory."""
    settings = Settings(
        slo=Slo(success_rate=SUCCESS_RATE, timeout=contract.timeout),
        limiter=LimiterSettings(enabled=True),
    )
    return Breaker(settings, name="yardstick", clock=clock, memory=memory)
