"""Rules about the way back: wait, probes and ramp."""

from collections.abc import Iterator
from typing import Final

from breakerd.api.advice.rule import BreakerScope, Concern, Rule, per_breaker


def _wait_below_probe_timeout(scope: BreakerScope) -> Iterator[Concern]:
    settings = scope.settings
    wait, timeout = settings.wait_time, settings.recovery.probe_timeout
    both = scope.states("wait_time") and scope.states("recovery.probe_timeout")
    if both and wait < timeout:
        text = (
            f"probes that hang hold their places for {timeout:g} s, longer than the wait of "
            f"{wait:g} s: the next try comes after `probe_timeout`; make it at most `wait_time`"
        )
        yield from scope.concern(text, "recovery.probe_timeout", "wait_time")


def _probe_given_up_early(scope: BreakerScope) -> Iterator[Concern]:
    settings = scope.settings
    timeout, slow = settings.recovery.probe_timeout, settings.slow_after
    if scope.states("recovery.probe_timeout") and timeout < slow:
        text = (
            f"a probe is presumed lost after {timeout:g} s, while a call is good up to {slow:g} s: "
            "good probes are not counted, and it may stay open; make `probe_timeout` longer"
        )
        keys = ("recovery.probe_timeout", "latency_threshold", "slo.timeout")
        yield from scope.concern(text, *keys)


def _no_ramp(scope: BreakerScope) -> Iterator[Concern]:
    if scope.states("recovery.ramp") and not scope.settings.recovery.ramp:
        text = (
            "all calls return at once after the probes, which often overloads what has just "
            "recovered; remove `ramp`, or name some shares"
        )
        yield from scope.concern(text, "recovery.ramp")


def _waits_do_not_grow(scope: BreakerScope) -> Iterator[Concern]:
    settings = scope.settings
    limit = settings.recovery.max_wait_time
    # 0 turns it off on purpose.
    if scope.states("recovery.max_wait_time") and 0 < limit < settings.wait_time:
        text = (
            f"the limit is below wait_time = {settings.wait_time:g}, so that waits never double; "
            "make it larger, or 0 to say so"
        )
        yield from scope.concern(text, "recovery.max_wait_time", "wait_time")


RULES: Final = (
    Rule(
        "wait-below-probe-timeout",
        "`wait_time` is stated and shorter than the stated `probe_timeout`: a hanging probe, not "
        "the wait, decides on the next try.",
        per_breaker(_wait_below_probe_timeout),
    ),
    Rule(
        "probe-given-up-early",
        "A probe is presumed lost before it is slow: good probes do not count.",
        per_breaker(_probe_given_up_early),
    ),
    Rule(
        "no-ramp",
        "`ramp = []`: all calls return at once, and may break what has just recovered.",
        per_breaker(_no_ramp),
    ),
    Rule(
        "waits-do-not-grow",
        "`max_wait_time` is below `wait_time`: the wait never doubles.",
        per_breaker(_waits_do_not_grow),
    ),
)
