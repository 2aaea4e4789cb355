"""A picture of the last minutes before an incident, for receivers that take one.

Drawn with matplotlib, which is the extra `plot`; without it alerts go out all the same.
"""

import io
import json
import os
import subprocess
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from breakerd.alerts.model.chart import Chart

_LONGEST: Final = 20.0
"""Seconds."""
_HANDED_ON: Final = ("HOME", "LANG", "LC_", "LD_LIBRARY_PATH", "PATH", "PYTHON", "TMPDIR", "XDG_")
"""How the variables begin that the other process gets."""


def can_draw() -> bool:
    """Whether there is something to draw with."""
    return find_spec("matplotlib") is not None


def draw(chart: Chart) -> bytes:
    """The picture, as PNG of 800 by 300 points. Thread-safe.

    It is drawn by a process of its own: to load matplotlib here would hold up calls, and cost
    memory that may be short just now. That process is handed no key.

    Raises:
        OSError, subprocess.SubprocessError: it could not be drawn in time.
    """
    given = {name: value for name, value in os.environ.items() if name.startswith(_HANDED_ON)}
    done = subprocess.run(
        [sys.executable, "-m", "breakerd.alerts.content.chart"],
        input=json.dumps(asdict(chart)).encode(),
        capture_output=True,
        env=given | {"MPLBACKEND": "Agg"},
        cwd=Path(__file__).parents[3],
        timeout=_LONGEST,
        check=True,
    )
    return done.stdout


def _paint(chart: Chart) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), dpi=100, layout="constrained")
    axes = figure.subplots()
    calls = range(-len(chart.latencies_ms) + 1, 1)
    axes.plot(calls, chart.latencies_ms, color="#3b6fb6", marker=".", linewidth=1)
    axes.axhline(chart.threshold_ms, color="#c0392b", linestyle="--", linewidth=1)
    axes.annotate(
        f"threshold {chart.threshold_ms:g} ms",
        (calls[0], chart.threshold_ms),
        color="#c0392b",
        fontsize="small",
        va="bottom",
    )
    axes.set_title(chart.title, fontsize="medium")
    axes.set_xlabel("calls before the alert")
    axes.set_ylabel("ms")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


if __name__ == "__main__":
    os.nice(5)  # calls come first; but on a busy machine the picture must not wait for ever
    sys.stdout.buffer.write(_paint(Chart.from_dict(json.load(sys.stdin))))
