"""Write a replay as one self-contained HTML file: figures, plot, trips."""

import io
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Final

from breakerd.api.cli.views.replay_plot import draw, style
from breakerd.api.cli.views.replay_tables import (
    TRIP_COLUMNS,
    comparison_rows,
    describe_outcomes,
    format_moment,
    format_seconds,
    trip_row,
)
from breakerd.breaker.replay import CAVEAT, CallSource, Report

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Replay of {title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1500px; }}
body {{ padding: 0 1rem; color: #222; }}
h1 {{ font-size: 1.4rem; margin-bottom: .2rem; }}
h2 {{ font-size: 1.1rem; margin: 1.6rem 0 .4rem; }}
table {{ border-collapse: collapse; }}
th, td {{ text-align: left; padding: .2rem 1.4rem .2rem 0; vertical-align: top; }}
th, td {{ border-bottom: 1px solid #e4e4e4; }}
td {{ font-variant-numeric: tabular-nums; white-space: pre-wrap; }}
.comparison td + td, .comparison th + th {{ text-align: right; }}
svg {{ width: 100%; height: auto; margin-top: 1.2rem; }}
footer {{ color: #666; margin-top: 1.6rem; }}
</style>
<h1>Replay of {title}</h1>
<p>{trace}</p>
{comparison}
{picture}
{trips}
<footer>{notes}</footer>
</html>
"""


def write_page(trace: CallSource, report: Report, file: Path) -> None:
    """Write the page.

    Raises:
        OSError: the file cannot be written.
    """
    labels = [outcome.label for outcome in report.outcomes]
    rows = [[name, *values] for name, values in comparison_rows(report.outcomes).items()]
    page = _PAGE.format(
        title=escape(trace.name),
        trace=escape(_summary(report)),
        comparison=_table("comparison", ["what it would have done", *labels], rows),
        picture=_picture(report),
        trips="\n".join(_trips(report)),
        notes="".join(f"<p>{escape(note)}</p>" for note in [*trace.notes, CAVEAT]),
    )
    file.write_text(page, encoding="utf-8")


def _summary(report: Report) -> str:
    p50, p95, p99 = map(format_seconds, report.percentiles(0.5, 0.95, 0.99))
    return (
        f"{report.calls} calls, {describe_outcomes(report)}, from {format_moment(report.began)} to "
        f"{format_moment(report.ended)}; latency p50 {p50}, p95 {p95}, p99 {p99}"
    )


def _picture(report: Report) -> str:
    """Return the plot as an SVG element."""
    text = io.StringIO()
    with style():
        draw(report).savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    drawn = text.getvalue()
    return drawn[drawn.index("<svg") :]


def _trips(report: Report) -> Iterable[str]:
    for outcome in report.outcomes:
        if outcome.trips:
            yield f"<h2>Trips of {escape(outcome.label)}</h2>"
            yield _table("trips", TRIP_COLUMNS, map(trip_row, outcome.trips))


def _table(kind: str, names: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f'<table class="{kind}">\n<tr>{head}</tr>\n{body}\n</table>'
