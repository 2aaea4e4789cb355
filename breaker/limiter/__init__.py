"""How many calls at once: a limit that appears when calls queue, and finds its own size."""

from breakerd.breaker.limiter.limiter import ConcurrencyLimiter, Phase
from breakerd.breaker.limiter.reference import Normal
from breakerd.breaker.limiter.sample import Sample

__all__ = ["ConcurrencyLimiter", "Normal", "Phase", "Sample"]
