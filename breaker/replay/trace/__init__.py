"""Traces: recorded calls, read as a stream from files of many formats."""

from breakerd.breaker.replay.trace.formats import Format
from breakerd.breaker.replay.trace.hints import Column, Hints, TimeIs, Unit, parse_columns
from breakerd.breaker.replay.trace.record import CallRecord
from breakerd.breaker.replay.trace.trace import BrokenLine, Trace

__all__ = [
    "BrokenLine",
    "CallRecord",
    "Column",
    "Format",
    "Hints",
    "TimeIs",
    "Trace",
    "Unit",
    "parse_columns",
]
