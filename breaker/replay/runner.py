"""Replay a trace through one breaker, or through several side by side."""

from collections.abc import Iterable, Mapping

from breakerd.breaker.errors import TraceError
from breakerd.breaker.replay.report import Report
from breakerd.breaker.replay.simulator import Simulator
from breakerd.breaker.replay.timeline import Timeline
from breakerd.breaker.replay.trace.record import CallRecord
from breakerd.breaker.settings import Settings


def replay(trace: Iterable[CallRecord], settings: Settings | Mapping[str, Settings]) -> Report:
    """Return what a configuration would have done on recorded calls.

    Each configuration runs in a real breaker, on the clock of the trace and with the memory use
    recorded in it. The trace is read once, and memory does not grow with its length.

    Args:
        trace: calls ordered by start: a `Trace`, or any other iterable. A call that
            begins before its predecessor is offered right after it.
        settings: one configuration, or several by name, to be compared.

    Raises:
        TraceError: there are no calls, or the trace cannot be read to its end.
    """
    configurations = settings if isinstance(settings, Mapping) else {"default": settings}
    simulators = [Simulator(label, each) for label, each in configurations.items()]
    timeline = Timeline(len(simulators))
    calls = errors = abandoned = 0
    origin = end = last = 0.0
    for call in trace:
        if not calls:
            origin = call.start
        calls += call.weight
        errors += call.weight * call.error
        abandoned += call.weight * call.abandoned
        begun = last = max(last, call.start - origin)
        end = max(end, begun + call.duration)
        bin_ = timeline.at(begun)
        bin_.add(call)
        moved = call._replace(start=begun)
        for simulator, lane in zip(simulators, bin_.lanes, strict=True):
            simulator.offer(moved, lane)
    if not calls:
        raise TraceError("the trace has no calls; there is nothing to replay")
    return Report(
        calls=calls,
        errors=errors,
        abandoned=abandoned,
        began=origin,
        ended=origin + end,
        outcomes=tuple(simulator.finish(end, origin) for simulator in simulators),
        bins=timeline.bins,
        bin_width=timeline.width,
    )
