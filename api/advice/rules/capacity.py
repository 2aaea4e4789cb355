"""Rules about memory and the concurrency limit."""

from collections.abc import Iterator
from typing import Final

from breakerd.api.advice.rule import BreakerScope, Concern, Rule, per_breaker

_TOO_LATE: Final = 95.0
"""Use of memory, in %, at which the kernel is reclaiming, and soon kills."""


def _memory_too_late(scope: BreakerScope) -> Iterator[Concern]:
    threshold = scope.settings.memory_threshold
    if threshold > _TOO_LATE:
        text = (
            f"at {threshold:g} % the process is slow already, or killed between two readings: use "
            f"at most {_TOO_LATE:g}"
        )
        yield from scope.concern(text, "memory_threshold")


def _memory_never_healthy(scope: BreakerScope) -> Iterator[Concern]:
    settings = scope.settings
    if settings.memory_hysteresis >= settings.memory_threshold:
        text = (
            "memory would have to fall to nothing to be healthy again: make it smaller than "
            f"memory_threshold = {settings.memory_threshold:g}"
        )
        yield from scope.concern(text, "memory_hysteresis", "memory_threshold")


def _limiter_not_enabled(scope: BreakerScope) -> Iterator[Concern]:
    if scope.settings.limiter.enabled:
        return
    bounds = [name for name in ("max_limit", "min_limit") if scope.states(f"limiter.{name}")]
    # At its default it is not meant as a bound: the file of all settings has it.
    if scope.settings.limiter.max_limit is None and scope.settings.limiter.min_limit == 1:
        return
    text = "the limiter is not enabled, so that its limits have no effect: set `enabled = true`"
    yield from scope.concern(text, *(f"limiter.{name}" for name in bounds), "limiter.enabled")


RULES: Final = (
    Rule(
        "memory-too-late",
        "`memory_threshold` above 95 %: the kernel reclaims or kills first.",
        per_breaker(_memory_too_late),
    ),
    Rule(
        "memory-never-healthy",
        "`memory_hysteresis` is as large as the threshold: once tripped, memory is never healthy.",
        per_breaker(_memory_never_healthy),
    ),
    Rule(
        "limiter-not-enabled",
        "A limit of `[limiter]` is set, and the limiter is not enabled.",
        per_breaker(_limiter_not_enabled),
    ),
)
