"""Reports of the figures: a JSON document and a Markdown page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from benchmarks.harness.figures import Effort, Figure

METHOD = """\
A ratio is the median over the rounds of the ratios between two measurements of the same round. It
compares with the no-op pair, or with what is named: two methods that do nothing and two
`perf_counter_ns()`, around a function that does nothing. Calls are timed with the garbage collector
off, by the CPU time of the process, including background threads and deferred work; calls in
several threads by the wall clock.
"""


def as_json(build: Mapping[str, str], effort: Effort, figures: Sequence[Figure]) -> str:
    """Return everything as one JSON document."""
    document = {
        "build": dict(build),
        "effort": asdict(effort),
        "figures": [figure.as_json() for figure in figures],
        "summary": summary(figures),
    }
    return json.dumps(document, indent=2) + "\n"


def as_markdown(build: Mapping[str, str], effort: Effort, figures: Sequence[Figure]) -> str:
    """Return a page with the build, the table, and the reaches met and missed."""
    pairs = "\n".join(f"- {name}: {value}" for name, value in build.items())
    amount = f"{effort.rounds} rounds of up to {effort.calls:,} calls, {effort.seconds:g} s of load"
    return (
        f"# Benchmark\n\n{pairs}\n- effort: {amount}\n\n{METHOD}\n"
        f"{table(figures)}\n\n{verdict(figures)}\n"
    )


def table(figures: Sequence[Figure]) -> str:
    """Return a table with one row per figure."""
    head = [
        "| part | figure | value | ratio | of the minima | against | reach | met | note |",
        "| --- | --- | ---: | ---: | ---: | --- | --- | --- | --- |",
    ]
    return "\n".join(head + [row(figure) for figure in figures])


def row(figure: Figure) -> str:
    """Return one line of the table."""
    against = figure.against or ("the no-op pair" if figure.ratio is not None else "")
    cells = [
        figure.part,
        figure.name,
        amount(figure.value, figure.unit),
        ratio(figure.ratio),
        ratio(figure.details.get("ratio_of_minima")),
        against,
        figure.reach.replace("<=", "≤").replace(">=", "≥"),
        {True: "yes", False: "**no**", None: ""}[figure.met],
        figure.note,
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def amount(value: float | None, unit: str) -> str:
    """Return a number with its unit: four digits below 1,000, whole from there on."""
    if value is None:
        return ""
    return f"{value:,.0f} {unit}" if abs(value) >= 1000 else f"{value:.4g} {unit}"


def ratio(value: float | None) -> str:
    """Return a ratio with three significant digits; "" for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 10 else f"{value:.2f}"


def summary(figures: Sequence[Figure]) -> dict[str, list[str]]:
    """Return the names of the figures that met their reach, missed it, or were not measured."""
    return {
        "met": [figure.name for figure in figures if figure.met is True],
        "missed": [figure.name for figure in figures if figure.met is False],
        "unmeasured": [figure.name for figure in figures if figure.value is None],
    }


def verdict(figures: Sequence[Figure]) -> str:
    """Return the sentences that list the reaches met and missed."""
    words = {"met": "Met", "missed": "Not met", "unmeasured": "Not measured"}
    lines = [
        f"{words[key]} ({len(names)}): {'; '.join(names) or 'none'}."
        for key, names in summary(figures).items()
    ]
    return "\n\n".join(lines)
