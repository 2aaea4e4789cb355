"""Rules about the window, its percentile, and the thresholds of latency and errors."""

from collections.abc import Iterator
from typing import Final

from breakerd.api.advice.rule import BreakerScope, Concern, Rule, per_breaker

_SHORTEST: Final = 10.0
"""Latency threshold in ms below which a pause of the interpreter is a slow call."""
_LONGEST: Final = 120.0
"""Seconds that hardly anybody waits for an answer."""
_LONGEST_WAIT: Final = 600.0
"""Seconds that hardly anybody leaves a service without its dependency."""


def _window_too_small(scope: BreakerScope) -> Iterator[Concern]:
    settings = scope.settings
    above = settings.latency_window_size * (1 - settings.percentile)
    # The subtraction leaves 0.99999… of one call where exactly one is above.
    if settings.watches_latency and above < 1 - 1e-9:
        needed = round(1 / (1 - settings.percentile))
        text = (
            f"of {settings.latency_window_size} calls, percentile = {settings.percentile:g} is the "
            f"slowest one, so that a single slow call opens; use a window of at least {needed}"
        )
        yield from scope.concern(text, "latency_window_size", "percentile")


def _minimum_above_window(scope: BreakerScope) -> Iterator[Concern]:
    settings = scope.settings
    size = settings.latency_window_size
    minimums = {"minimum_calls": settings.minimum_calls}
    if settings.trend_analysis_enabled:
        name = "trend_analysis_min_sample_count"
        minimums[name] = settings.trend_analysis_min_sample_count
    for name, minimum in minimums.items():
        if minimum > size:
            text = (
                f"the window never has {minimum} calls, so that it is judged once it is full, at "
                f"{size}: make latency_window_size larger or {name} smaller"
            )
            yield from scope.concern(text, name, "latency_window_size")


def _slo_above_threshold(scope: BreakerScope) -> Iterator[Concern]:
    settings = scope.settings
    if settings.slo is None or not settings.watches_latency:
        return
    timeout, threshold = settings.slo.timeout, settings.latency_threshold / 1000
    if timeout > threshold:
        text = (
            f"a call that takes between {threshold:g} s and {timeout:g} s meets the service level "
            "and is slow at the same time: remove latency_threshold, or make it at least `timeout`"
        )
        yield from scope.concern(text, "latency_threshold", "slo.timeout")


def _errors_not_judged(scope: BreakerScope) -> Iterator[Concern]:
    settings = scope.settings
    if settings.error_threshold == 1 and settings.slo is None:
        text = (
            "the share of failed calls opens nothing, only some failures in a row do: "
            "set a threshold below 1"
        )
        yield from scope.concern(text, "error_threshold")


def _unit_mistaken(scope: BreakerScope) -> Iterator[Concern]:
    settings = scope.settings
    threshold = settings.latency_threshold
    if settings.watches_latency and threshold < _SHORTEST:
        text = f"{threshold:g} ms is shorter than most pauses of Python itself; the unit is ms"
        yield from scope.concern(text, "latency_threshold")
    if settings.slo and settings.slo.timeout > _LONGEST:
        text = f"{settings.slo.timeout:g} s is longer than callers wait; the unit is s"
        yield from scope.concern(text, "slo.timeout")
    if not settings.recovers_adaptively and settings.wait_time > _LONGEST_WAIT:
        minutes = settings.wait_time / 60
        text = f"all calls are rejected for {minutes:.0f} min after each trip; the unit is s"
        yield from scope.concern(text, "wait_time")


def _age_below_threshold(scope: BreakerScope) -> Iterator[Concern]:
    settings = scope.settings
    if settings.watches_latency and settings.latency_max_age < settings.latency_threshold / 1000:
        text = (
            f"calls are forgotten {settings.latency_max_age:g} s after their end, sooner than "
            f"one slow call takes ({settings.latency_threshold:g} ms): the window is mostly empty"
        )
        yield from scope.concern(text, "latency_max_age", "latency_threshold")


RULES: Final = (
    Rule(
        "window-too-small",
        "The window is so small that its percentile is its slowest call: one slow call opens.",
        per_breaker(_window_too_small),
    ),
    Rule(
        "minimum-above-window",
        "More calls are asked for than the window can hold, so that the setting has no effect.",
        per_breaker(_minimum_above_window),
    ),
    Rule(
        "slo-above-threshold",
        "`timeout` of `[slo]` is longer than `latency_threshold`: calls are good and slow at once.",
        per_breaker(_slo_above_threshold),
    ),
    Rule(
        "errors-not-judged",
        "`error_threshold = 1` without `[slo]`: however many calls fail, their share opens "
        "nothing.",
        per_breaker(_errors_not_judged),
    ),
    Rule(
        "unit-mistaken",
        "A threshold below 10 ms, a `timeout` above 120 s or a wait above 600 s: often a value "
        "in the wrong unit.",
        per_breaker(_unit_mistaken),
    ),
    Rule(
        "age-below-threshold",
        "Calls are forgotten sooner than one slow call takes: the window is mostly empty.",
        per_breaker(_age_below_threshold),
    ),
)
