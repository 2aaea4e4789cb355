"""Colours of a chart, on a light ground. Neighbours differ in lightness, and not in hue alone."""

from typing import Final

GROUND: Final = "#ffffff"
INK: Final = "#24292f"
GREY: Final = "#57606a"
LINE: Final = "#d8dee4"
QUIET: Final = "#f3f4f6"
"""Where nothing is known."""

HIGH: Final = "#0b5cad"
MEDIAN: Final = "#7fb8ea"
THRESHOLD: Final = "#c0392b"
NORMAL: Final = "#2e7d32"

PASSED: Final = "#b4bfc9"
FAILED: Final = "#c0392b"
REJECTED: Final = "#e69f00"

STATES: Final = {
    "CLOSED": "#7cb77c",
    "OPEN": "#c0392b",
    "HALF_OPEN": "#f0c040",
    "WARMING_UP": "#8ec5ea",
    "FORCED_OPEN": "#8e44ad",
    "DISABLED": "#8c959f",
    "OBSERVE": "#b39ddb",
}
DARK: Final = {"OPEN", "FORCED_OPEN"}
"""States whose colour needs light words."""
