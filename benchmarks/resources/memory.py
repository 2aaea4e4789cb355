"""Memory of a breaker, and its growth over many calls and transitions.

Each figure comes from an interpreter of its own (see `memory_size` and `memory_growth`).
"""

from typing import Final

from benchmarks.harness.child import result_of
from benchmarks.harness.figures import Effort, Figure
from benchmarks.resources.memory_subject import PLAIN, TUNED

NAME: Final = "memory"

WINDOWS: Final = (64, 1024, 65536)
REACH: Final = "<= 200"
"""Blocks. Buffers and caches of the interpreter vary by less; a leak of one object per thousand
calls would be many thousands."""

_CALLS: Final = 250
_TRANSITIONS: Final = 2.5
"""Both per call of the effort: ten million and a hundred thousand in the full run."""


def measure(effort: Effort) -> list[Figure]:
    """Measure the size with each window, empty and full, then the growth."""
    sizes = [
        _size(kind, window, fill)
        for kind in (PLAIN, TUNED)
        for window in WINDOWS
        for fill in ("empty", "full")
    ]
    counts = {
        "calls": round(effort.calls * _CALLS),
        "transitions": round(effort.calls * _TRANSITIONS),
    }
    growth = [
        _growth(kind, what, count) for kind in (PLAIN, TUNED) for what, count in counts.items()
    ]
    return sizes + growth


def _size(kind: str, window: int, fill: str) -> Figure:
    size = result_of("benchmarks.resources.memory_size", kind, window, fill)
    return Figure(
        part=NAME,
        name=f"a breaker, {kind}, window {window:,}, {fill}",
        value=size["traced"],
        unit="bytes",
        note=f"the process grows by {size['resident']:,.0f} bytes",
        details=size,
    )


def _growth(kind: str, what: str, count: int) -> Figure:
    grown = result_of("benchmarks.resources.memory_growth", kind, what, count)
    return Figure(
        part=NAME,
        name=f"growth over {count:,} {what}, {kind}",
        value=grown["blocks"],
        unit="blocks",
        reach=REACH,
        note=f"the process grew by {grown['bytes']:,} bytes",
        details=grown,
    )
