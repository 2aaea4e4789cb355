"""How many calls at once: a limit that appears when calls queue, and finds its own size."""

from breaker.limiter.limiter import ConcurrencyLimiter, Phase
from breaker.limiter.normal import Normal
from breaker.limiter.sample import Sample

__all__ = ["ConcurrencyLimiter", "Normal", "Phase", "Sample"]
