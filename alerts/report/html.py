"""HTML page of a report: self-contained, printable, and without script.

It has one style sheet, inside, whose digest is in its content security policy, and nothing else is
loaded. Every text is escaped.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from breakerd.alerts.pictures.layout import draw
from breakerd.alerts.pictures.svg import to_svg
from breakerd.alerts.report.report import BreakerSection, IncidentReport
from breakerd.alerts.report.words import KINDS, moment, rejections, state_of, took
from breakerd.breaker._version import __version__
from breakerd.breaker.encoding.printable import printable, printable_lines

_STYLE: Final = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 16px 20px 40px; max-width: 1000px; color: #24292f;
  background: #fff; font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { margin: 8px 0 4px; font-size: 22px; line-height: 1.3; }
h2 { margin: 32px 0 8px; padding-bottom: 4px; font-size: 18px; border-bottom: 1px solid #d8dee4; }
h3 { margin: 20px 0 4px; font-size: 15px; }
p, ul { margin: 6px 0; }
ul { padding-left: 22px; }
.state { display: inline-block; padding: 2px 8px; border-radius: 4px; font-weight: 600; }
.over { background: #dff3e0; }
.open { background: #fbdedb; }
.quiet, small { color: #57606a; }
.missing { margin: 12px 0; padding: 8px 12px; border-left: 4px solid #e69f00; background: #fff8e6; }
table { width: 100%; margin: 8px 0; border-collapse: collapse; }
th, td { padding: 5px 10px 5px 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid #e7ebef; }
th { font-weight: 600; }
thead th { white-space: nowrap; }
tbody th { min-width: 9em; }
td.time, td.took { white-space: nowrap; font-variant-numeric: tabular-nums; }
td.took { font-weight: 600; }
pre { margin: 8px 0; padding: 10px 12px; overflow-wrap: anywhere; white-space: pre-wrap;
  background: #f6f8fa; font: 13px/1.45 ui-monospace, monospace; }
figure { margin: 8px 0; }
svg { display: block; width: 100%; max-width: 720px; height: auto; border: 1px solid #d8dee4; }
footer { margin-top: 32px; }
@media (max-width: 600px) {
  body { padding: 8px 12px 24px; font-size: 14px; }
  thead { display: none; }
  tr { display: block; padding-top: 6px; border-bottom: 1px solid #e7ebef; }
  td, th { display: inline-block; padding: 0 8px 0 0; border: 0; }
  td.text { display: block; padding-bottom: 6px; }
  figure { overflow-x: auto; }
  svg { width: 640px; max-width: none; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 11pt; }
  h2, h3 { break-after: avoid; }
  tr, figure { break-inside: avoid; }
}
"""
_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"
)
"""Content security policy of the page."""


def to_html(report: IncidentReport) -> str:
    """Return the report as one page."""
    return "\n".join(_page(report)) + "\n"


def _page(report: IncidentReport) -> Iterator[str]:
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>Incident {_text(report.id)}: {_text(report.message)}</title>"
    yield f"<style>{_STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield from _head(report)
    yield from _timings(report)
    for number, section in enumerate(report.breakers):
        yield from _breaker(section, number)
    if report.others:
        yield f"<p>Further breakers of this incident: {_text(', '.join(report.others))}.</p>"
    yield from _timeline(report)
    yield from _receivers(report)
    yield "<h2>Text of the alert</h2>"
    yield f"<pre>{_lines(report.alert)}</pre>"
    yield "<footer><small>"
    yield f"Made {moment(report.made_at)} by breakerd {_text(__version__)}. All times are UTC."
    yield f"Alias of the alert: {_text(report.alias)}."
    yield "</small></footer>"
    yield "</body>"
    yield "</html>"


def _head(report: IncidentReport) -> Iterator[str]:
    yield "<header>"
    yield f'<p class="quiet">Incident report {_text(report.id)}</p>'
    yield f"<h1>{_text(report.priority)} {_text(report.message)}</h1>"
    look = "open" if report.in_progress else "over"
    yield f'<p><span class="state {look}">{_text(state_of(report))}</span></p>'
    if report.service:
        named = ", ".join(f"{name} {value}" for name, value in report.service.items())
        yield f'<p class="quiet">{_text(named)}</p>'
    if report.closing:
        yield f"<p>{_text(report.closing)}</p>"
    yield "</header>"
    if report.missing:
        yield '<aside class="missing" aria-label="Missing parts">What this report does not have:'
        yield from _list(report.missing)
        yield "</aside>"


def _timings(report: IncidentReport) -> Iterator[str]:
    yield "<h2>How long it took</h2>"
    yield from _table("Until", "Took", "At", "What counts")
    for each in report.timings:
        at = moment(each.at) if each.at is not None else ""
        what = _text(f"{each.definition}; {each.remark}" if each.remark else each.definition)
        yield (
            f'<tr><th scope="row">{_text(each.name)}</th><td class="took">{took(each)}</td>'
            f'<td class="time">{at}</td><td class="text">{what}</td></tr>'
        )
    yield "</tbody></table>"


def _breaker(section: BreakerSection, number: int) -> Iterator[str]:
    yield f"<section><h2>{_text(section.name)}</h2>"
    times = "once" if section.episodes == 1 else f"{section.episodes:,} times"
    well = "well again" if section.well else "not well yet"
    yield (
        f'<p class="quiet">{_text(section.kind)}, in trouble {times}, '
        f"last since {moment(section.since)}; {well}</p>"
    )
    yield "<h3>What tripped</h3>"
    yield from _list(section.tripped or ("Nothing is recorded of it.",))
    yield "<h3>Calls</h3>"
    yield f"<figure>{to_svg(draw(section.chart), f'chart-{number}')}</figure>"
    yield "<h3>Rejected calls</h3>"
    yield from _list(rejections(section.rejected))
    yield "</section>"


def _timeline(report: IncidentReport) -> Iterator[str]:
    yield "<h2>Timeline</h2>"
    yield from _table("Time", "What", "")
    for each in report.timeline:
        about = f"<strong>{_text(each.breaker)}</strong> " if each.breaker else ""
        where = f" <small>{_text(each.where)}</small>" if each.where else ""
        yield (
            f'<tr><td class="time">{moment(each.at)}</td>'
            f'<td class="kind">{_text(KINDS.get(each.kind, each.kind))}</td>'
            f'<td class="text">{about}{_text(each.text)}{where}</td></tr>'
        )
    yield "</tbody></table>"


def _receivers(report: IncidentReport) -> Iterator[str]:
    yield "<h2>Receivers</h2>"
    if not report.receivers:
        yield "<p>No receiver was told.</p>"
        return
    yield from _table("Receiver", "Told", "Outcome")
    for each in report.receivers:
        told = ", ".join(f"{priority} {moment(at)}" for at, priority in each.told) or "nothing"
        yield (
            f'<tr><th scope="row">{_text(each.name)}</th><td>{_text(told)}</td>'
            f'<td class="text">{_text(each.outcome)}</td></tr>'
        )
    yield "</tbody></table>"


def _table(*columns: str) -> Iterator[str]:
    heads = "".join(f'<th scope="col">{name}</th>' for name in columns)
    yield f"<table><thead><tr>{heads}</tr></thead><tbody>"


def _list(lines: Iterable[str]) -> Iterator[str]:
    yield "<ul>"
    for line in lines:
        yield f"<li>{_text(line)}</li>"
    yield "</ul>"


def _text(text: str) -> str:
    """Return a text of others, escaped and on one line."""
    return escape(printable(text))


def _lines(text: str) -> str:
    """Return a text of others, escaped, with its line breaks."""
    return escape(printable_lines(text))
