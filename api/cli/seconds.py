"""Durations as people type them: 30m, 2h or 1d."""

import re
from typing import Final

from breakerd.api.cli.output import USAGE_ERROR, fail

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_seconds(option: str, text: str) -> float:
    """Return a duration in seconds; end the command if it is none."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    if match is None:
        fail(
            f"{option}: found {text!r}; allowed: a number with s, m, h or d, such as 30m",
            USAGE_ERROR,
        )
    number, unit = match.groups()
    return float(number) * _SECONDS[unit]
