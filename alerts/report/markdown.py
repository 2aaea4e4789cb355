"""Markdown of a report, without pictures, for wikis and issues. Every text is escaped."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from breakerd.alerts.report.report import BreakerSection, IncidentReport
from breakerd.alerts.report.words import KINDS, moment, rejections, state_of, took
from breakerd.breaker.encoding.printable import printable, printable_lines

_MARKS: Final = re.compile(r"([\\`*_{}\[\]<>#|~&]|^[-+])")
"""Characters that mean something in Markdown, or in the HTML inside it."""
_FENCE: Final = re.compile(r"`+")


def to_markdown(report: IncidentReport) -> str:
    """Return the report as Markdown."""
    return "\n".join(_blocks(report)) + "\n"


def _blocks(report: IncidentReport) -> Iterator[str]:
    yield f"# {_text(report.priority)} {_text(report.message)}"
    yield ""
    yield f"Incident {_text(report.id)}, {_text(state_of(report))}."
    if report.closing:
        yield f"\n{_text(report.closing)}"
    if report.missing:
        yield "\n**What this report does not have:**\n"
        yield from _list(report.missing)
    yield from _timings(report)
    for section in report.breakers:
        yield from _breaker(section)
    if report.others:
        yield f"\nFurther breakers of this incident: {_text(', '.join(report.others))}."
    yield from _timeline(report)
    yield from _receivers(report)
    yield "\n## Text of the alert\n"
    yield from _block(report.alert)


def _timings(report: IncidentReport) -> Iterator[str]:
    yield "\n## How long it took\n"
    yield "| until | took | at | what counts |"
    yield "| --- | --- | --- | --- |"
    for each in report.timings:
        at = moment(each.at) if each.at is not None else ""
        remark = f"; {each.remark}" if each.remark else ""
        yield f"| {each.name} | {took(each)} | {at} | {_text(each.definition + remark)} |"


def _breaker(section: BreakerSection) -> Iterator[str]:
    yield f"\n## {_text(section.name)}\n"
    yield "What tripped:\n"
    yield from _list(section.tripped or ("Nothing is recorded of it.",))
    yield "\nRejected calls:\n"
    yield from _list(rejections(section.rejected))


def _timeline(report: IncidentReport) -> Iterator[str]:
    yield "\n## Timeline\n"
    yield "| time | what | |"
    yield "| --- | --- | --- |"
    for each in report.timeline:
        about = f"**{_text(each.breaker)}** " if each.breaker else ""
        where = f" ({_text(each.where)})" if each.where else ""
        kind = KINDS.get(each.kind, each.kind)
        yield f"| {moment(each.at)} | {_text(kind)} | {about}{_text(each.text)}{where} |"


def _receivers(report: IncidentReport) -> Iterator[str]:
    yield "\n## Receivers\n"
    if not report.receivers:
        yield "No receiver was told."
        return
    yield "| receiver | told | outcome |"
    yield "| --- | --- | --- |"
    for each in report.receivers:
        told = ", ".join(f"{priority} {moment(at)}" for at, priority in each.told) or "nothing"
        yield f"| {_text(each.name)} | {_text(told)} | {_text(each.outcome)} |"


def _list(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield f"- {_text(line)}"


def _block(text: str) -> Iterator[str]:
    """Yield a text as it is, in a fence that it does not hold itself."""
    longest = max((len(each) for each in _FENCE.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield fence
    yield printable_lines(text)
    yield fence


def _text(text: str) -> str:
    """Return a text of others, escaped and on one line."""
    return _MARKS.sub(r"\\\1", printable(text))
