"""Replay: what a configuration would have done on a recorded past.

Example:
    from breaker import Settings
    from breaker.replay import Trace, replay

    with Trace("calls.csv") as trace:
        report = replay(trace, Settings(latency_threshold=600))
    print(report.outcomes[0].trip_count)
"""

from breaker.replay.report import HONESTY, Outcome, Report, Span, Trip, Verdicts
from breaker.replay.runner import replay
from breaker.replay.suggestion import Proposal, Suggestion, suggest
from breaker.replay.timeline import Bin, Lane
from breaker.replay.trace import BrokenLine, Call, Format, Trace

__all__ = [
    "HONESTY",
    "Bin",
    "BrokenLine",
    "Call",
    "Format",
    "Lane",
    "Outcome",
    "Proposal",
    "Report",
    "Span",
    "Suggestion",
    "Trace",
    "Trip",
    "Verdicts",
    "replay",
    "suggest",
]
