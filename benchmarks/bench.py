"""The benchmark: runs its parts, each in an interpreter of its own, and writes what they measured.

    python -m benchmarks.bench [--quick] [--parts calls,asgi] [--out FOLDER]

`scripts/bench` installs what it needs and runs it. It writes `bench.json` and `bench.md`, prints
the latter, and ends with 1 only if a part failed to run.
"""

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import cast

from benchmarks.harness import machine
from benchmarks.harness.figures import (
    FULL,
    QUICK,
    Effort,
    Figure,
    Part,
    UnavailableError,
    judged,
    unmeasured,
)
from benchmarks.harness.report import as_json, as_markdown

PARTS = {
    "calls": "benchmarks.calls",
    "asgi": "benchmarks.services.asgi",
    "admin": "benchmarks.services.admin",
    "memory": "benchmarks.resources.memory",
    "startup": "benchmarks.resources.startup",
}
"""The modules that measure, by name, in the order of the table."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what the command line asks for; returns the exit code."""
    options = parse(arguments)
    effort = effort_of(options)
    if options.only:
        write_part(options.only, effort, options.out)
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    build = machine.describe()
    figures: list[Figure] = []
    failed = []
    for part in options.parts:
        print(f"{part} …", file=sys.stderr, flush=True)
        measured = run(part, effort)
        if measured is None:
            failed.append(part)
            measured = [unmeasured(part, part, "it failed to run, see above")]
        figures += measured
    (options.out / "bench.json").write_text(as_json(build, effort, figures))
    page = as_markdown(build, effort, figures)
    (options.out / "bench.md").write_text(page)
    print(page)
    return 1 if failed else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line's options."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures breakerd.")
    parser.add_argument("--quick", action="store_true", help="fewer calls and rounds")
    parser.add_argument("--parts", type=parts, default=list(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--out", type=Path, default=Path("var/bench"), help="folder to write to")
    parser.add_argument("--rounds", type=int, help="instead of the effort's own")
    parser.add_argument("--calls", type=int, help="instead of the effort's own")
    parser.add_argument("--seconds", type=float, help="instead of the effort's own")
    parser.add_argument("--only", choices=PARTS, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def parts(text: str) -> list[str]:
    """The parts that the command line names.

    Raises:
        argparse.ArgumentTypeError: there is no such part.
    """
    names = text.split(",")
    if unknown := sorted(set(names) - set(PARTS)):
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(unknown)}")
    return names


def effort_of(options: argparse.Namespace) -> Effort:
    """The effort that the command line asks for."""
    usual = QUICK if options.quick else FULL
    return Effort(
        rounds=options.rounds or usual.rounds,
        calls=options.calls or usual.calls,
        seconds=options.seconds or usual.seconds,
    )


def run(part: str, effort: Effort) -> list[Figure] | None:
    """What a part measured, in an interpreter of its own; None if it failed, which it has told."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "benchmarks.bench", "--only", part, "--out", str(out)]
        for name, value in asdict(effort).items():
            command += [f"--{name}", str(value)]
        code = subprocess.run(command, check=False).returncode  # noqa: S603 - this program
        if code:
            print(f"{part} ended with {code}", file=sys.stderr)  # a signal says nothing itself
            return None
        return [Figure.from_json(data) for data in json.loads(out.read_text())]


def write_part(part: str, effort: Effort, out: Path) -> None:
    """Measures one part in this process, and writes its figures."""
    module = cast("Part", importlib.import_module(PARTS[part]))
    try:
        figures = [judged(figure) for figure in module.measure(effort)]
    except UnavailableError as error:
        figures = [unmeasured(part, part, str(error))]
    out.write_text(json.dumps([figure.as_json() for figure in figures]))


if __name__ == "__main__":
    sys.exit(main())
