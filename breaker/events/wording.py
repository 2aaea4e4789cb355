"""Words for figures: numbers, shares, durations, short enough for a message."""

from typing import Final

_MINUTE, _HOUR = 60.0, 3600.0
_EXACT: Final = 10.0
"""Value below which digits after the point matter."""


def number(value: float) -> str:
    """Return a number with its thousands separated: 2,142, or 3.1."""
    return f"{value:,.0f}" if abs(value) >= _EXACT else f"{value:.3g}"


def count(value: float, noun: str) -> str:
    """Return so many things: "1 call", "2,142 calls"."""
    return f"{number(value)} {noun}{'' if value == 1 else 's'}"


def share(fraction: float) -> str:
    """Return a share as a percentage: 45%, 2.3%, 0.05%."""
    percent = fraction * 100
    return f"{percent:.0f}%" if percent >= _EXACT else f"{percent:.2g}%"


def milliseconds(value: float) -> str:
    """Return a latency: "912 ms", "1,500 ms"."""
    return f"{number(value)} ms"


def duration(seconds: float) -> str:
    """Return a time in its greatest unit: "1.5 s", "42 s", "2 min", "3 h"."""
    if seconds < _EXACT:
        return f"{seconds:.2g} s"
    if seconds < 2 * _MINUTE - 0.5:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h"


def figure(value: float, unit: str) -> str:
    """Return a value in the unit of an evidence: "fraction", "%", "ms", "calls" or another."""
    if unit == "fraction":
        return share(value)
    if unit == "%":
        return share(value / 100)
    return count(value, "call") if unit == "calls" else f"{number(value)} {unit}"


def against(value: float, limit: float, unit: str, word: str = "limit") -> tuple[str, str]:
    """Return a value, and its limit in brackets, which is empty if there is none (0).

    Both have so many digits that they do not look the same.
    """
    if not limit:
        return figure(value, unit), ""
    shown, bound = figure(value, unit), figure(limit, unit)
    if shown == bound and value != limit:
        factor = 100 if unit == "fraction" else 1
        name = "%" if unit in {"fraction", "%"} else f" {unit}"
        shown, bound = f"{value * factor:,.6g}{name}", f"{limit * factor:,.6g}{name}"
    return shown, f" ({word} {bound})"
