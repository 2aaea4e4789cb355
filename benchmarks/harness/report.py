"""The benchmark's figures as one JSON document, and as one Markdown table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from benchmarks.harness.figures import Effort, Figure

METHOD = """\
Ratios are medians over the rounds, each between two measurements of the same round, to the empty
pair or to what is named. The empty pair is two methods that do nothing, and two
`perf_counter_ns()`, around a function that does nothing. Calls are timed with the garbage collector
off, by the CPU time of the process, background threads and what calls put off included; those of
several threads by the clock on the wall.
"""


def as_json(build: Mapping[str, str], effort: Effort, figures: Sequence[Figure]) -> str:
    """One document with all there is."""
    document = {
        "build": dict(build),
        "effort": asdict(effort),
        "figures": [figure.as_json() for figure in figures],
        "summary": summary(figures),
    }
    return json.dumps(document, indent=2) + "\n"


def as_markdown(build: Mapping[str, str], effort: Effort, figures: Sequence[Figure]) -> str:
    """A page: the build, the table, and which reaches are met."""
    pairs = "\n".join(f"- {name}: {value}" for name, value in build.items())
    amount = f"{effort.rounds} rounds of up to {effort.calls:,} calls, {effort.seconds:g} s of load"
    return (
        f"# Benchmark\n\n{pairs}\n- effort: {amount}\n\n{METHOD}\n"
        f"{table(figures)}\n\n{verdict(figures)}\n"
    )


def table(figures: Sequence[Figure]) -> str:
    """One row a figure."""
    head = [
        "| part | figure | value | ratio | of the minima | against | reach | met | note |",
        "| --- | --- | ---: | ---: | ---: | --- | --- | --- | --- |",
    ]
    return "\n".join(head + [row(figure) for figure in figures])


def row(figure: Figure) -> str:
    """A line of the table."""
    against = figure.against or ("the empty pair" if figure.ratio is not None else "")
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
    """A number with its unit, in four digits or whole."""
    if value is None:
        return ""
    return f"{value:,.0f} {unit}" if abs(value) >= 1000 else f"{value:.4g} {unit}"


def ratio(value: float | None) -> str:
    """A ratio, to the digits that tell something."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 10 else f"{value:.2f}"


def summary(figures: Sequence[Figure]) -> dict[str, list[str]]:
    """The names of the figures whose reach is met or is not, and of those not measured."""
    return {
        "met": [figure.name for figure in figures if figure.met is True],
        "missed": [figure.name for figure in figures if figure.met is False],
        "unmeasured": [figure.name for figure in figures if figure.value is None],
    }


def verdict(figures: Sequence[Figure]) -> str:
    """Which reaches are met, and which are not."""
    words = {"met": "Met", "missed": "Not met", "unmeasured": "Not measured"}
    lines = [
        f"{words[key]} ({len(names)}): {'; '.join(names) or 'none'}."
        for key, names in summary(figures).items()
    ]
    return "\n\n".join(lines)
