"""`breakerd demo`: a whole incident, and its end in order whatever happens."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from rich.console import Console

from breakerd.api.cli.demo import demo as demo_module
from breakerd.api.cli.demo.demo import Step, run_demo
from breakerd.api.cli.demo.observer import DemoError
from breakerd.api.cli.demo.processes import run_process
from tests.support.command import BREAKERD
from tests.support.thoroughness import THOROUGH


@contextmanager
def demo(*arguments: str, before: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*before, *BREAKERD, "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"COLUMNS": "200"},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], text: str) -> list[str]:
    """The lines up to the first that holds `text`."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"{text!r} was never printed: {lines}")


def test_a_whole_incident() -> None:
    with demo("--pace", "5") as process:
        out, err = process.communicate(timeout=110)
    assert (process.returncode, err) == (0, "")
    story = [
        r"takes 40 ms .* admin plane",
        r"takes 80 ms .* admin plane",
        r"CLOSED → OPEN: p95 .* admin plane",
        r"alert P3: .* emulator",
        r"alert raised to P1 .* emulator",
        r"takes 40 ms .* admin plane",
        r"admits 10% of the calls .* admin plane",
        r"HALF_OPEN → CLOSED: recovered .* admin plane",
        r"alert closed .* emulator",
        r"calls succeeded, .* were rejected .* admin plane",
    ]
    position = out.index("What happened")
    for line in story:
        found = re.compile(line).search(out, position)
        assert found, f"{line!r} is not in the table, or not in order: {out}"
        position = found.start()


@pytest.mark.skipif(not THOROUGH, reason="takes long, and needs a machine that is not busy")
def test_the_tour(tmp_path: Path) -> None:
    report = tmp_path / "incident.html"
    with demo("--tour", "--pace", "4", "--report", str(report)) as process:
        out, err = process.communicate(timeout=170)
    assert (process.returncode, err) == (0, "")
    story = [
        r"stayed CLOSED, and nobody was paged",
        r"\d+ calls  p95 +4\d\d ms",
        r"\$ breakerd suggest --history .*--as-candidate default",
        r"latency_threshold",
        r"\$ breakerd shadow default",
        r"trips +0 +[1-9]",
        r"\$ breakerd promote default",
        r"It tripped; on-call was told",
        r"\$ breakerd config log",
        r"\$ breakerd config rollback 1 --dry-run",
        r"\$ breakerd incident ",
        r"What happened",
        r"CLOSED → OPEN: .* admin plane",
        r"alert P3: .* emulator",
        r"HALF_OPEN → CLOSED: recovered .* admin plane",
    ]
    position = 0
    for line in story:
        found = re.compile(line).search(out, position)
        assert found, f"{line!r} was not printed, or not in order: {out}"
        position = found.start()
    page = report.read_text()
    assert page.startswith("<!doctype html>")
    assert "<svg" in page


def test_the_tour_overwrites_no_report(tmp_path: Path) -> None:
    report = tmp_path / "incident.html"
    report.write_text("mine")
    with demo("--tour", "--report", str(report)) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err == f"breakerd: --report {report}: the file exists; allowed: a new one\n"
    assert report.read_text() == "mine"


def test_a_report_needs_the_tour() -> None:
    with demo("--report", "incident.html") as process:
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (2, "breakerd: --report needs --tour\n")


def test_it_leaves_nothing_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with demo() as process:
        read_until(process, "seen: healthy")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    assert list(tmp_path.iterdir()) == []


QUIET = ("-W", "ignore::ResourceWarning")
BACKGROUND = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh")
"""As a shell without job control starts what ends in `&`."""


@pytest.mark.parametrize("before", [(), BACKGROUND], ids=["", "in the background"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_its_processes_when_interrupted(
    number: signal.Signals, before: Sequence[str]
) -> None:
    with demo(before=before) as process:
        lines = read_until(process, "emulator  http")
        read_until(process, "seen: healthy")
        children = psutil.Process(process.pid).children()
        assert len(children) == 2
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == "breakerd: the demo was interrupted\n"
    assert not any(child.is_running() for child in children)
    for line in lines:
        url = re.search(r"http://\S+", line)
        assert url
        with pytest.raises(httpx.ConnectError):
            httpx.get(url[0])


def test_it_says_so_when_its_service_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of a connection that breaks in the middle of an answer, Python may say that its socket was not
    # closed, where ResourceWarnings are shown; all else is an error here too.
    monkeypatch.setattr(sys.modules[__name__], "BREAKERD", [*BREAKERD[:3], *QUIET, *BREAKERD[3:]])
    with demo() as process:
        read_until(process, "seen: healthy")
        children = psutil.Process(process.pid).children()
        children[1].kill()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.match(r"breakerd: http://127.0.0.1:\d+/\S+: \S+", err)
    assert err.count("\n") == 1
    assert not children[0].is_running()


def test_it_fails_by_the_step_that_was_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    never = Step("pigs fly", (40,), lambda _: False)
    monkeypatch.setattr(demo_module, "STEPS", (never,))
    monkeypatch.setattr(demo_module, "_STEP_TIMEOUT", 0.5)
    screen = io.StringIO()
    assert run_demo(Console(file=screen, width=200), 5) == 1
    assert "not seen in time: pigs fly" in screen.getvalue()
    assert "the protected endpoint now takes 40 ms" in screen.getvalue()


def test_it_shows_why_a_process_did_not_start(tmp_path: Path) -> None:
    arguments = ["serve", "--config", str(tmp_path / "none.toml")]
    with (
        pytest.raises(DemoError, match=r"serve did not start:\n.*none\.toml"),
        run_process(arguments, tmp_path / "log", {}),
    ):
        pytest.fail("it started")
