"""Words of a chart: heading, legend, and the description for who cannot see it. Pure."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from breakerd.alerts.pictures import colours
from breakerd.alerts.pictures.chart import Chart, ChartPoint
from breakerd.alerts.pictures.drawing import Box, Path, Shape, Words, width_of
from breakerd.alerts.pictures.scales import date_text, latency_text, time_text

_MAX_TITLE: Final = 70
_TOP: Final = 54.0
"""Base line of the first line of the legend."""
_DASHES: Final = {"line": 0.0, "dashes": 5.0, "dots": 2.0}


def heading(chart: Chart) -> Iterator[Shape]:
    """Yield title and subtitle."""
    title = chart.title
    short = title if len(title) <= _MAX_TITLE else f"{title[: _MAX_TITLE - 1]}…"
    yield Words(12, 20, short, size=14, bold=True)
    yield Words(12, 36, _subtitle(chart), colour=colours.GREY)


def _subtitle(chart: Chart) -> str:
    start, end = time_text(chart.start, seconds=True), time_text(chart.end, seconds=True)
    day = "" if date_text(chart.start) == date_text(chart.end) else f"{date_text(chart.end)} "
    many = f", {chart.members:,} processes" if chart.members > 1 else ""
    return f"{date_text(chart.start)} {start} to {day}{end} UTC, a point is {chart.width:g} s{many}"


def description(chart: Chart) -> str:
    """Return the chart in words, for who cannot see it."""
    points = chart.points
    if not points:
        return f"{_subtitle(chart)}. No calls are recorded for this time."
    highest = max((each.high_ms for each in points if each.high_ms is not None), default=None)
    latency = f" {_percentile(chart)} at most {latency_text(highest)}." if highest else ""
    threshold = _last(chart, lambda each: each.threshold_ms)
    limit = f" Threshold {latency_text(threshold)}." if threshold else ""
    calls, failed = sum(e.calls for e in points), sum(e.failures for e in points)
    rejected = sum(each.rejected for each in points)
    states = ", ".join(dict.fromkeys(each.state for each in points))
    counts = f" {calls:,} calls, {failed:,} failed, {rejected:,} rejected. States: {states}."
    return f"{_subtitle(chart)}.{latency}{limit}{counts}"


def legend(chart: Chart, left: float, right: float) -> Iterator[Shape]:
    """Yield the legend, in as many lines as it needs from `left` to `right`."""
    x, y = left, _TOP
    for text, colour, shape in _legend_rows(chart):
        width = 22 + width_of(text, 11) + 12
        if x + width > right + 12:
            x, y = left, y + 15
        if shape == "box":
            yield Box(x, y - 9, 14, 9, colour)
        else:
            yield Path(((x, y - 4), (x + 16, y - 4)), colour, 2, _DASHES[shape])
        yield Words(x + 20, y, text, colour=colours.GREY)
        x += width


def _legend_rows(chart: Chart) -> Iterator[tuple[str, str, str]]:
    """Yield text, colour and shape of each entry."""
    points = chart.points
    yield _percentile(chart), colours.HIGH, "line"
    if chart.percentile != 0.5:
        yield "median", colours.MEDIAN, "line"
    if (limit := _last(chart, lambda each: each.threshold_ms)) is not None:
        yield f"threshold {latency_text(limit)}", colours.THRESHOLD, "dashes"
    if (normal := _last(chart, lambda each: each.normal_ms)) is not None:
        yield f"normal {_percentile(chart)} {latency_text(normal)}", colours.NORMAL, "dots"
    yield "calls", colours.PASSED, "box"
    if any(each.failures for each in points):
        yield "failed", colours.FAILED, "box"
    if any(each.rejected for each in points):
        yield "rejected", colours.REJECTED, "box"


def height_of(legend: Sequence[Shape]) -> float:
    """Return the height of a legend."""
    return max(each.y for each in legend if isinstance(each, Words)) - _TOP + 18


def _percentile(chart: Chart) -> str:
    return f"p{chart.percentile * 100:g}"


def _last(chart: Chart, value: Callable[[ChartPoint], float | None]) -> float | None:
    found = [each for each in map(value, chart.points) if each is not None]
    return found[-1] if found else None
