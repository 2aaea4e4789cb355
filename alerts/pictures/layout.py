"""Layout of a chart: latency above, calls below, states in a band, on one time axis. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from breakerd.alerts.pictures import colours
from breakerd.alerts.pictures.chart import Chart, ChartMark, ChartPoint
from breakerd.alerts.pictures.drawing import Box, Dot, Drawing, Path, Shape, Words, width_of
from breakerd.alerts.pictures.legend import description, heading, height_of, legend
from breakerd.alerts.pictures.scales import (
    Scale,
    count_text,
    latency_tick,
    linear,
    scale_of,
    time_text,
    times,
)

WIDTH: Final = 720
_LEFT, _RIGHT = 62.0, 704.0
_LATENCY: Final = 150.0
"""Height of the part that shows latency."""
_CALLS: Final = 58.0
_GAP: Final = 18.0
_BAND: Final = 13.0
_LANE: Final = 13.0
"""Height of a line of names of moments."""


@dataclass(frozen=True, slots=True)
class _Plane:
    """Where the time axis and the parts of one chart lie."""

    chart: Chart
    top: float

    @property
    def calls(self) -> float:
        return self.top + _LATENCY + _GAP

    @property
    def band(self) -> float:
        return self.calls + _CALLS + 6

    @property
    def bottom(self) -> float:
        return self.band + _BAND

    def x(self, at: float) -> float:
        """Return where a time lies."""
        chart = self.chart
        share = (at - chart.start) / ((chart.end - chart.start) or 1.0)
        return _LEFT + min(1.0, max(0.0, share)) * (_RIGHT - _LEFT)


def draw(chart: Chart) -> Drawing:
    """Return the drawing of a chart."""
    named, marks = list(legend(chart, _LEFT, _RIGHT)), _lanes(chart)
    top = 44.0 + height_of(named) + len(marks) * _LANE
    plane = _Plane(chart, top)
    height = round(plane.bottom + 24)
    shapes = [
        Box(0, 0, WIDTH, height, colours.GROUND),
        *heading(chart),
        *named,
        *_time_axis(plane),
        *_latency(plane),
        *_calls(plane),
        *_band(plane),
        *_marks(plane, marks),
    ]
    return Drawing(WIDTH, height, chart.title, description(chart), tuple(shapes))


# --- axes


def _time_axis(plane: _Plane) -> Iterator[Shape]:
    named = times(plane.chart.start, plane.chart.end)
    seconds = any(at % 60 for at in named)
    for at in named:
        x = plane.x(at)
        yield Path(((x, plane.top), (x, plane.bottom)), colours.LINE)
        half = width_of("00:00:00" if seconds else "00:00") / 2
        middle = min(max(x, _LEFT - 20 + half), _RIGHT + 8 - half)
        text = time_text(at, seconds=seconds)
        yield Words(middle, plane.bottom + 15, text, anchor="middle", colour=colours.GREY)
    yield Words(_LEFT - 26, plane.bottom + 15, "UTC", anchor="end", colour=colours.GREY)


def _value_axis(
    top: float, height: float, scale: Scale, text: Callable[[float], str]
) -> Iterator[Shape]:
    for value in scale.ticks:
        y = top + height * (1 - scale.share(value))
        yield Path(((_LEFT, y), (_RIGHT, y)), colours.LINE)
        yield Words(_LEFT - 6, y + 4, text(value), anchor="end", colour=colours.GREY)


# --- latency


def _latency(plane: _Plane) -> Iterator[Shape]:
    points = plane.chart.points
    high = [each.high_ms for each in points if each.high_ms is not None]
    medians = [each.median_ms for each in points if each.median_ms is not None]
    limits = [each.threshold_ms for each in points if each.threshold_ms is not None]
    normals = [each.normal_ms for each in points if each.normal_ms is not None]
    usual = max([median(high) if high else 0.0, *limits[-1:]])
    scale = scale_of([*high, *medians, *limits, *normals], usual)
    yield from _value_axis(plane.top, _LATENCY, scale, latency_tick)
    if scale.logarithmic:
        yield Words(_RIGHT - 4, plane.top + 12, "log scale", anchor="end", colour=colours.GREY)
    if not high:
        middle = (_LEFT + _RIGHT) / 2
        text = "no call ended in this time" if points else "no calls are recorded for this time"
        yield Words(middle, plane.top + _LATENCY / 2, text, anchor="middle", colour=colours.GREY)
    yield from _steps(plane, scale, lambda each: each.normal_ms, (colours.NORMAL, 1.5, 2))
    yield from _steps(plane, scale, lambda each: each.threshold_ms, (colours.THRESHOLD, 1.5, 5))
    if plane.chart.percentile != 0.5:
        yield from _curve(plane, scale, lambda each: each.median_ms, (colours.MEDIAN, 1.5))
    yield from _curve(plane, scale, lambda each: each.high_ms, (colours.HIGH, 2.0))


def _curve(
    plane: _Plane,
    scale: Scale,
    value: Callable[[ChartPoint], float | None],
    look: tuple[str, float],
) -> Iterator[Shape]:
    """Yield a line that is broken where nothing is known, and a dot for what stands alone."""
    colour, width = look
    for run in _runs(plane.chart, value):
        places = tuple(
            (plane.x(at + plane.chart.width / 2), plane.top + _LATENCY * (1 - scale.share(found)))
            for at, found in run
        )
        if len(places) == 1:
            yield Dot(*places[0], 2.5, colour)
        else:
            yield Path(places, colour, width)


def _steps(
    plane: _Plane,
    scale: Scale,
    value: Callable[[ChartPoint], float | None],
    look: tuple[str, float, float],
) -> Iterator[Shape]:
    """Yield level lines, each as long as its value holds."""
    known = [(each.at, found) for each in plane.chart.points if (found := value(each)) is not None]
    begun = 0
    for index, (_, found) in enumerate(known):
        last = index + 1 == len(known)
        if not last and known[index + 1][1] == found:
            continue
        end = plane.chart.end if last else known[index + 1][0]
        start = plane.chart.start if begun == 0 else known[begun][0]
        y = plane.top + _LATENCY * (1 - scale.share(found))
        yield Path(((plane.x(start), y), (plane.x(end), y)), *look)
        begun = index + 1


def _runs(
    chart: Chart, value: Callable[[ChartPoint], float | None]
) -> Iterator[list[tuple[float, float]]]:
    """Yield stretches of slots without a gap, in which the value is known."""
    run: list[tuple[float, float]] = []
    for each in chart.points:
        found = value(each)
        if run and (found is None or each.at - run[-1][0] > chart.width * 1.5):
            yield run
            run = []
        if found is not None:
            run.append((each.at, found))
    if run:
        yield run


# --- calls


def _calls(plane: _Plane) -> Iterator[Shape]:
    chart, top = plane.chart, plane.calls
    rates = [(each.calls + each.rejected) / chart.width for each in chart.points]
    scale = linear(max(rates, default=0.0), ticks=2)
    yield from _value_axis(top, _CALLS, scale, lambda value: f"{count_text(value)}/s")
    for each in chart.points:
        left, right = plane.x(each.at), plane.x(each.at + chart.width)
        width = max(1.0, (right - left) * 0.85)
        foot = top + _CALLS
        passed = each.calls - each.failures
        parts = (
            (passed, colours.PASSED),
            (each.failures, colours.FAILED),
            (each.rejected, colours.REJECTED),
        )
        for number, colour in parts:
            height = scale.share(number / chart.width) * _CALLS
            if number:
                foot -= height
                yield Box(left, foot, width, height, colour)


# --- states


def _band(plane: _Plane) -> Iterator[Shape]:
    yield Words(_LEFT - 6, plane.band + 10, "state", anchor="end", colour=colours.GREY)
    yield Box(_LEFT, plane.band, _RIGHT - _LEFT, _BAND, colours.QUIET)
    for state, start, end in _stretches(plane.chart):
        left, right = plane.x(start), plane.x(end)
        yield Box(left, plane.band, right - left, _BAND, colours.STATES.get(state, colours.GREY))
        text = state.replace("_", " ").lower()
        if width_of(text, 10) + 6 <= right - left:
            colour = "#ffffff" if state in colours.DARK else colours.INK
            middle = (left + right) / 2
            yield Words(middle, plane.band + 10, text, 10, "middle", colour)


def _stretches(chart: Chart) -> Iterator[tuple[str, float, float]]:
    """Yield each state with its beginning and its end; nothing where no slot is known."""
    begun = 0
    for index, each in enumerate(chart.points):
        following = chart.points[index + 1] if index + 1 < len(chart.points) else None
        end = each.at + chart.width
        if following is None or following.state != each.state or following.at > end * (1 + 1e-12):
            yield each.state, chart.points[begun].at, end
            begun = index + 1


# --- moments


def _lanes(chart: Chart) -> list[list[ChartMark]]:
    """Return the moments in as few lines as their names need."""
    plane, lanes = _Plane(chart, 0.0), list[list[ChartMark]]()
    for mark in sorted(chart.marks):
        fits = (
            lane for lane in lanes if _name_at(plane, lane[-1])[1] + 8 <= _name_at(plane, mark)[0]
        )
        lane = next(fits, None)
        if lane is None:
            lanes.append([mark])
        else:
            lane.append(mark)
    return lanes


def _marks(plane: _Plane, lanes: Sequence[Sequence[ChartMark]]) -> Iterator[Shape]:
    """Yield the lines of all moments, then their names, which no line crosses."""
    for number, lane in enumerate(lanes):
        y = plane.top - 2 - number * _LANE
        for mark in lane:
            x = plane.x(mark.at)
            yield Path(((x, y), (x, plane.calls + _CALLS)), colours.INK, 1, 3)
    for number, lane in enumerate(lanes):
        y = plane.top - 4 - number * _LANE
        for mark in lane:
            left, right = _name_at(plane, mark)
            yield Box(left - 2, y - 9, right - left + 4, 11, colours.GROUND)
            yield Words((left + right) / 2, y, mark.text, size=10, anchor="middle")


def _name_at(plane: _Plane, mark: ChartMark) -> tuple[float, float]:
    """Return where the name of a moment begins and ends."""
    width = width_of(mark.text, 10.5)
    left = min(max(_LEFT, plane.x(mark.at) - width / 2), _RIGHT - width)
    return left, left + width
