"""Drawing of the latest calls before an alert, for receivers that accept pictures.

It needs matplotlib, which is the extra `plot`. Without it, alerts are sent without a chart.
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

from breakerd.alerts.model.content import Chart

_FOUND: Final = find_spec("matplotlib") is not None
"""Looked for once: when an alert is due, there may be no file descriptor left to look with."""
TIMEOUT = 20.0
"""Maximum number of seconds that a drawing may take, if `draw` is not given another."""
_PASSED: Final = ("HOME", "LANG", "LC_", "LD_LIBRARY_PATH", "PATH", "PYTHON", "TMPDIR", "XDG_")
"""Prefixes of the environment variables that the drawing process gets."""


def can_draw() -> bool:
    """Return True if matplotlib is installed."""
    return _FOUND


def draw(chart: Chart, *, timeout: float | None = None) -> bytes:
    """Return the chart as a PNG of 800 by 300 pixels. Thread-safe.

    A separate process draws it: loading matplotlib here would delay calls and use memory, which
    may be short just now. That process gets no secrets.

    Args:
        chart: data of the chart.
        timeout: maximum number of seconds; None for `TIMEOUT`.

    Raises:
        OSError, subprocess.SubprocessError: it could not be drawn in time.
    """
    given = {name: value for name, value in os.environ.items() if name.startswith(_PASSED)}
    done = subprocess.run(
        [sys.executable, "-m", "breakerd.alerts.content.chart"],
        input=json.dumps(asdict(chart)).encode(),
        capture_output=True,
        env=given | {"MPLBACKEND": "Agg"},
        cwd=Path(__file__).parents[3],
        timeout=TIMEOUT if timeout is None else timeout,
        check=True,
    )
    return done.stdout


def _paint(chart: Chart) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), dpi=100, layout="constrained")
    axes = figure.subplots()
    calls = range(-len(chart.latencies_ms) + 1, 1)
    axes.plot(calls, chart.latencies_ms, color="#3b6fb6", marker=".", linewidth=1)
    if chart.threshold_ms is not None:
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
    os.nice(5)  # calls come first; more would starve the drawing on a busy machine
    sys.stdout.buffer.write(_paint(Chart.from_dict(json.load(sys.stdin))))
