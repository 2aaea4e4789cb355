"""Convert a report to JSON data: times in seconds of the trace, other units in the names."""

from collections.abc import Sequence
from typing import Any, Final

from breakerd.breaker.replay.report import CAVEAT, Outcome, ReplayTrip, Report, Verdicts
from breakerd.breaker.replay.timeline import Bin

_SHARES: Final = (0.5, 0.95, 0.99)

Data = dict[str, Any]  # JSON objects, whose values are of any JSON type


def as_data(report: Report) -> Data:
    """Return the report as JSON data, with the series over time."""
    return {
        "calls": report.calls,
        "failed_calls": report.errors,
        "abandoned_calls": report.abandoned,
        "began": report.began,
        "ended": report.ended,
        **_latency(report.percentiles(*_SHARES)),
        "configurations": [_outcome(outcome) for outcome in report.outcomes],
        "series": {
            "bin_seconds": report.bin_width,
            "bins": [_bin(each, report) for each in report.bins],
        },
        "note": CAVEAT,
    }


def _outcome(outcome: Outcome) -> Data:
    detected = outcome.times_to_detect
    return {
        "name": outcome.label,
        "settings": outcome.settings.model_dump(mode="json"),
        "trip_count": outcome.trip_count,
        "trips": [_trip(trip) for trip in outcome.trips],
        "rejected": _verdicts(outcome.rejected),
        "admitted": _verdicts(outcome.admitted),
        "held_back_by_limit_or_memory": outcome.held_back,
        "good_within_seconds": outcome.settings.slow_after,
        "median_seconds_to_detect": outcome.median_time_to_detect,
        "most_seconds_to_detect": max(detected, default=None),
        "state_seconds": {state.value: seconds for state, seconds in outcome.seconds.items()},
        "open_share": outcome.open_share,
        "half_open_share": outcome.half_open_share,
        "final_state": outcome.final_state.value,
    }


def _trip(trip: ReplayTrip) -> Data:
    return {
        "at": trip.at,
        "reason": trip.reason,
        "evidence": list(trip.evidence),
        "bad_since": trip.bad_since,
        "seconds_to_detect": trip.time_to_detect,
        "closed_at": trip.closed_at,
        "failed_recoveries": trip.failed_recoveries,
    }


def _verdicts(verdicts: Verdicts) -> Data:
    return {
        "calls": verdicts.total,
        "good": verdicts.good,
        "slow": verdicts.slow,
        "failed": verdicts.failed,
        "abandoned": verdicts.abandoned,
    }


def _bin(each: Bin, report: Report) -> Data:
    return {
        "at": report.began + each.number * report.bin_width,
        "calls": len(each.latency),
        "failed_calls": each.errors,
        **_latency(each.latency.percentiles(_SHARES)),
        "rejected": [lane.rejected for lane in each.lanes],
        "most_in_flight": [lane.in_flight for lane in each.lanes],
        "limit": [lane.limit for lane in each.lanes],
    }


def _latency(percentiles: Sequence[float]) -> Data:
    return {
        f"p{share * 100:g}_ms": round(seconds * 1000, 3)
        for share, seconds in zip(_SHARES, percentiles, strict=True)
    }
