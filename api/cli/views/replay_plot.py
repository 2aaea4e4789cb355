"""Plot a replay: latency, calls, and calls in flight over time, with states and trips.

One column of three panels per configuration. Needs matplotlib, the extra `plot`.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC
from itertools import pairwise
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from breakerd.api.cli.views.replay_tables import MIN_EPOCH_SECONDS, format_seconds
from breakerd.breaker.replay import Bin, Outcome, Report
from breakerd.breaker.states import State

if TYPE_CHECKING:
    from matplotlib.artist import Artist

_DAY: Final = 86400.0
"""Seconds per day; matplotlib counts dates in days."""
_WIDE_GAP: Final = 0.02
"""Fraction of the whole time without calls that breaks a line."""

_FEW_BINS: Final = 20
"""Maximum number of bins at which a partial last bin is drawn."""
_MAX_LABEL: Final = 40
"""Maximum number of characters of a label; a longer one loses its beginning."""

_PERCENTILES: Final = ((0.5, "#0072b2", 1.2), (0.95, "#e69f00", 1.2), (0.99, "#a0468c", 0.9))
_BANDS: Final = {
    State.OPEN: ("#d62728", 0.25),
    State.FORCED_OPEN: ("#d62728", 0.25),
    State.HALF_OPEN: ("#f5c000", 0.35),
    State.WARMING_UP: ("#1f77b4", 0.12),
}
_TRIP: Final = "#8b0000"


def write_png(report: Report, file: Path) -> None:
    """Write the plot as a PNG.

    Raises:
        OSError: the file cannot be written.
    """
    with style():
        draw(report).savefig(file, format="png", dpi=110)


def style() -> AbstractContextManager[None]:
    """Return a context that sets the style; draw and write the plot within it."""
    return mpl.rc_context(
        {
            "font.size": 10.0,
            "axes.grid": True,
            "grid.color": "#e4e4e4",
            "axes.axisbelow": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "svg.fonttype": "none",
            "text.parse_math": False,
            "svg.hashsalt": "breakerd",
        }
    )


def draw(report: Report) -> Figure:
    """Return the plot, with one column per configuration."""
    columns = len(report.outcomes)
    figure = Figure(figsize=(4 + 8.5 * columns, 8.5), layout="constrained")
    axes = figure.subplots(
        3, columns, sharex=True, sharey="row", squeeze=False, height_ratios=(3, 1.3, 1.3)
    )
    for column, outcome in enumerate(report.outcomes):
        latency, calls, under_way = axes[:, column]
        _draw_latency(latency, report, outcome)
        _draw_calls(calls, report, column)
        _draw_under_way(under_way, report, column)
        for panel in (latency, calls, under_way):
            _draw_states(panel, outcome, _scale(report))
            panel.margins(x=0.01)
        _mark_trips(latency, outcome, _scale(report))
        _label((latency, calls, under_way), report, first=column == 0)
        latency.set_title(_title(outcome), loc="left", pad=14)
    # After all columns are drawn, because a limit set earlier would freeze the shared axis.
    for panel in axes[1:, 0]:
        panel.set_ylim(bottom=0)
    _draw_legend(figure, axes.ravel().tolist())
    return figure


def _draw_latency(panel: Axes, report: Report, outcome: Outcome) -> None:
    shares = [share for share, _, _ in _PERCENTILES]
    rows = [(each, each.latency.percentiles(shares)) for each in report.bins]
    for place, (share, colour, width) in enumerate(_PERCENTILES):
        values = [row[place] * 1000 for _, row in rows]
        x, y = _line(report, values)
        panel.plot(x, y, color=colour, lw=width, label=f"latency p{share * 100:g}")
    settings = outcome.settings
    if settings.watches_latency:
        name = f"latency_threshold (p{settings.percentile * 100:g})"
        panel.axhline(settings.latency_threshold, color="black", ls="--", lw=1.1, label=name)
    if settings.slo is not None:
        limit = settings.slo.timeout * 1000
        panel.axhline(limit, color="black", ls=":", lw=1.3, label="time-out of the SLO")
    panel.set_yscale("log")
    panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_seconds(value / 1000)))
    panel.yaxis.set_minor_formatter(NullFormatter())


def _draw_calls(panel: Axes, report: Report, column: int) -> None:
    every = [len(each.latency) / report.bin_width for each in report.bins]
    rejected = [each.lanes[column].rejected / report.bin_width for each in report.bins]
    failed = [each.errors / report.bin_width for each in report.bins]
    x, y = _line(report, every)
    panel.fill_between(x, y, color="#9ecae1", lw=0, label="calls")
    x, y = _line(report, rejected)
    panel.fill_between(x, y, color="#d62728", lw=0, alpha=0.75, label="of them rejected")
    x, y = _line(report, failed)
    panel.plot(x, y, color="black", lw=0.8, label="recorded as failed")


def _draw_under_way(panel: Axes, report: Report, column: int) -> None:
    lanes = [each.lanes[column] for each in report.bins]
    x, y = _line(report, [lane.in_flight for lane in lanes])
    panel.plot(x, y, color="#555555", lw=1, label="calls in flight, most")
    limits = [nan if lane.limit is None else lane.limit for lane in lanes]
    if any(lane.limit is not None for lane in lanes):
        x, y = _line(report, limits)
        panel.plot(x, y, color="#009e73", lw=1.4, label="concurrency limit")


def _draw_states(panel: Axes, outcome: Outcome, scale: float) -> None:
    """Draw a band per state other than closed, and a line per trip."""
    across = panel.get_xaxis_transform()
    for state, (colour, alpha) in _BANDS.items():
        bars = [
            (s.begin / scale, (s.end - s.begin) / scale) for s in outcome.spans if s.state is state
        ]
        if bars:
            # The edge makes even the shortest band visible.
            panel.broken_barh(
                bars, (0, 1), transform=across, facecolor=(colour, alpha),
                edgecolor=(colour, alpha), lw=0.8, zorder=0.6, label=state.value.replace("_", " "),
            )  # fmt: skip
    trips = [trip.at / scale for trip in outcome.trips]
    panel.vlines(trips, 0, 1, transform=across, color=_TRIP, lw=0.9, zorder=2)


def _mark_trips(panel: Axes, outcome: Outcome, scale: float) -> None:
    """Draw a mark above the panel per trip."""
    trips = [trip.at / scale for trip in outcome.trips]
    if trips:
        panel.plot(
            trips, [1.02] * len(trips), transform=panel.get_xaxis_transform(), clip_on=False,
            ls="", marker="v", color=_TRIP, ms=7, label="trip",
        )  # fmt: skip


def _label(panels: Sequence[Axes], report: Report, *, first: bool) -> None:
    if first:
        for panel, name in zip(
            panels, ("latency (log scale)", "calls per second", "calls in flight"), strict=True
        ):
            panel.set_ylabel(name)
    last = panels[-1]
    if report.began < MIN_EPOCH_SECONDS:
        last.set_xlabel("time in the trace (s)")
        return
    locator = AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]  # matplotlib.dates has no types
    last.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator, tz=UTC)  # type: ignore[no-untyped-call]  # nor here
    last.xaxis.set_major_formatter(formatter)
    last.set_xlabel("time (UTC)")


def _title(outcome: Outcome) -> str:
    every = outcome.rejected.total + outcome.admitted.total
    rejected, good = outcome.rejected.total / every, outcome.rejected.good / every
    trips = "1 trip" if outcome.trip_count == 1 else f"{outcome.trip_count} trips"
    label = (
        outcome.label if len(outcome.label) <= _MAX_LABEL else "…" + outcome.label[1 - _MAX_LABEL :]
    )
    return f"{label}: {trips}, {rejected:.2%} of calls rejected, {good:.2%} though good"


def _draw_legend(figure: Figure, panels: Sequence[Axes]) -> None:
    entries: dict[str, Artist] = {}
    for panel in panels:
        for handle, name in zip(*panel.get_legend_handles_labels(), strict=True):
            entries.setdefault(name, handle)
    figure.legend(
        list(entries.values()), list(entries), loc="outside lower center", ncols=6, frameon=False
    )


def _scale(report: Report) -> float:
    """Return the number of seconds per unit of the x axis."""
    return 1.0 if report.began < MIN_EPOCH_SECONDS else _DAY


def _line(report: Report, values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the values over the bins' centres, interrupted where calls are missing for long."""
    scale, wide = _scale(report), max(report.bin_width * 3, report.seconds * _WIDE_GAP)
    x: list[float] = []
    y: list[float] = []
    for each, value, gap in zip(report.bins, values, _gaps(report.bins), strict=True):
        if each is report.bins[-1] and _is_partial_bin(report):
            break
        at = report.began + (each.number + 0.5) * report.bin_width
        if gap * report.bin_width > wide:
            x.append((at - report.bin_width) / scale)
            y.append(nan)
        x.append(at / scale)
        y.append(value)
    return x, y


def _gaps(bins: Sequence[Bin]) -> Iterator[int]:
    """Yield the distance of each bin from the previous one."""
    yield 1
    for before, each in pairwise(bins):
        yield each.number - before.number


def _is_partial_bin(report: Report) -> bool:
    """Return True if the last bin is too short to be drawn beside full ones."""
    covered = report.seconds - report.bins[-1].number * report.bin_width
    return len(report.bins) > _FEW_BINS and covered < report.bin_width * 0.9
