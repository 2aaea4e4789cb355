"""The benchmark: runs its parts, each in an interpreter of its own, and reports their figures.

    python -m benchmarks.bench [--quick] [--parts calls,asgi] [--against REVISION] [--out FOLDER]

`scripts/bench` installs the requirements and runs it. It writes `bench.json` and `bench.md`, and
prints the latter. The exit code is 1 if a part failed to run; a missed reach is no failure.
"""

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from benchmarks.harness import machine
from benchmarks.harness.figures import (
    FULL,
    QUICK,
    Effort,
    Figure,
    UnavailableError,
    judge,
    unmeasured,
)
from benchmarks.harness.report import as_json, as_markdown

PARTS = {
    "calls": "benchmarks.calls.suite",
    "asgi": "benchmarks.services.asgi",
    "admin": "benchmarks.services.admin",
    "fleet": "benchmarks.services.fleet",
    "memory": "benchmarks.resources.memory",
    "startup": "benchmarks.resources.startup",
    "revisions": "benchmarks.calls.revision_comparison",
}
"""Module of each part, in the order of the table."""
REVISIONS = "revisions"
"""The part that runs only with `--against`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that the command line asks for, and return the exit code."""
    options = parse(arguments)
    effort = effort_of(options)
    if options.only:
        write_part(options.only, effort, options.against, options.out)
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    build = machine.describe()
    figures: list[Figure] = []
    failed = []
    for part in options.parts:
        print(f"{part} …", file=sys.stderr, flush=True)
        measured = run(part, effort, options.against)
        if measured is None:
            failed.append(part)
            measured = [unmeasured(part, part, "it failed to run, see the output")]
        figures += measured
    (options.out / "bench.json").write_text(as_json(build, effort, figures))
    page = as_markdown(build, effort, figures)
    (options.out / "bench.md").write_text(page)
    print(page)
    return 1 if failed else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure breakerd.")
    parser.add_argument("--quick", action="store_true", help="fewer calls and rounds")
    parser.add_argument("--parts", type=parts, help=f"comma-separated, of {', '.join(PARTS)}")
    parser.add_argument("--against", help="folder or commit to compare this tree with")
    parser.add_argument("--out", type=Path, default=Path("var/bench"), help="folder to write to")
    parser.add_argument("--rounds", type=int, help="override the effort")
    parser.add_argument("--calls", type=int, help="override the effort")
    parser.add_argument("--seconds", type=float, help="override the effort")
    parser.add_argument("--only", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.parts is None:
        options.parts = [part for part in PARTS if part != REVISIONS]
    if options.against and REVISIONS not in options.parts:
        options.parts.append(REVISIONS)
    return options


def parts(text: str) -> list[str]:
    """Return the parts named in `text`.

    Raises:
        argparse.ArgumentTypeError: a part is unknown.
    """
    names = text.split(",")
    if unknown := sorted(set(names) - set(PARTS)):
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(unknown)}")
    return names


def effort_of(options: argparse.Namespace) -> Effort:
    """Return the effort that the command line asks for."""
    usual = QUICK if options.quick else FULL
    return Effort(
        rounds=options.rounds or usual.rounds,
        calls=options.calls or usual.calls,
        seconds=options.seconds or usual.seconds,
    )


def run(part: str, effort: Effort, against: str | None) -> list[Figure] | None:
    """Run a part in an interpreter of its own, and return its figures; None if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "benchmarks.bench", "--only", part, "--out", str(out)]
        for name, value in asdict(effort).items():
            command += [f"--{name}", str(value)]
        if against:
            command += ["--against", against]
        code = subprocess.run(command, check=False).returncode  # noqa: S603 - this program
        if code:
            print(f"{part} ended with {code}", file=sys.stderr)  # a signal prints nothing itself
            return None
        return [Figure.from_json(data) for data in json.loads(out.read_text())]


def write_part(part: str, effort: Effort, against: str | None, out: Path) -> None:
    """Measure one part in this process, and write its figures to `out`."""
    try:
        module = importlib.import_module(PARTS[part])
        measure = partial(module.measure, against=against) if part == REVISIONS else module.measure
        figures = [judge(figure) for figure in measure(effort)]
    except UnavailableError as error:
        figures = [unmeasured(part, part, str(error))]
    out.write_text(json.dumps([figure.as_json() for figure in figures]))


if __name__ == "__main__":
    sys.exit(main())
