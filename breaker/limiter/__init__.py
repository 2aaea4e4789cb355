"""Adaptive concurrency limit: it appears when calls queue, and finds its own size."""

from breakerd.breaker.limiter.limiter import ConcurrencyLimiter, LimiterPhase
from breakerd.breaker.limiter.reference import ReferenceLatency
from breakerd.breaker.limiter.sample import Sample

__all__ = ["ConcurrencyLimiter", "LimiterPhase", "ReferenceLatency", "Sample"]
