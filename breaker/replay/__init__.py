"""Replay: what a configuration would have done on a recorded past.

Example:
    from breakerd import Settings
    from breakerd.breaker.replay import Trace, replay

    with Trace("calls.csv") as trace:
        report = replay(trace, Settings(latency_threshold=600))
    print(report.outcomes[0].trip_count)
"""

from breakerd.breaker.replay.call_source import CallSource
from breakerd.breaker.replay.history import (
    Certainty,
    Effect,
    HistorySource,
    Prediction,
    finest_slots,
    what_would_have_happened,
)
from breakerd.breaker.replay.report import CAVEAT, Outcome, ReplayTrip, Report, Span, Verdicts
from breakerd.breaker.replay.runner import replay
from breakerd.breaker.replay.timeline import Bin, Lane
from breakerd.breaker.replay.trace import (
    BrokenLine,
    CallRecord,
    Column,
    Format,
    Hints,
    TimeIs,
    Trace,
    Unit,
    parse_columns,
)
from breakerd.breaker.replay.tuner import Proposal, Suggestion, suggest

__all__ = [
    "CAVEAT",
    "Bin",
    "BrokenLine",
    "CallRecord",
    "CallSource",
    "Certainty",
    "Column",
    "Effect",
    "Format",
    "Hints",
    "HistorySource",
    "Lane",
    "Outcome",
    "Prediction",
    "Proposal",
    "ReplayTrip",
    "Report",
    "Span",
    "Suggestion",
    "TimeIs",
    "Trace",
    "Unit",
    "Verdicts",
    "finest_slots",
    "parse_columns",
    "replay",
    "suggest",
    "what_would_have_happened",
]
