"""Traces: recorded calls, read as a stream from files of many formats."""

from breaker.replay.trace.call import Call
from breaker.replay.trace.formats import Format
from breaker.replay.trace.trace import BrokenLine, Trace

__all__ = ["BrokenLine", "Call", "Format", "Trace"]
