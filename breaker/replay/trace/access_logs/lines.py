"""Parts that the readers of access logs share."""

from collections.abc import Callable
from typing import Final

from breakerd.breaker.replay.trace.record import CallRecord, NoCall
from breakerd.breaker.replay.trace.values.outcomes import CallOutcome

MAX_LINE_LENGTH: Final = 1 << 15
"""Maximum length of a line: patterns may take longer than in proportion to it."""
QUOTED: Final = r'"(?:[^"\\]|\\.)*"'

LineParser = Callable[[str], CallRecord | NoCall | None]


def call_with(start: float, seconds: float, outcome: CallOutcome) -> CallRecord:
    """Return the call of a line."""
    failed, abandoned = outcome is CallOutcome.ERROR, outcome is CallOutcome.ABANDONED
    return CallRecord(start, seconds, failed, None, abandoned)


def bounded(parse: LineParser) -> LineParser:
    """Return `parse` for lines of the length of a log's; a longer one is broken."""

    def parse_bounded(line: str) -> CallRecord | NoCall | None:
        if len(line) > MAX_LINE_LENGTH:
            raise ValueError(f"found {line[:60]!r} …, of {len(line)} characters")
        return parse(line)

    return parse_bounded


def cache_last(read: Callable[[str], float]) -> Callable[[str], float]:
    """Return `read` with a cache of the last text, as consecutive lines share a second."""
    last_text, last_value = "", 0.0

    def look_up(text: str) -> float:
        nonlocal last_text, last_value
        if text != last_text:
            last_value = read(text)
            last_text = text
        return last_value

    return look_up
