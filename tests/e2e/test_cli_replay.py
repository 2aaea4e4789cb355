"""`breakerd replay` and `breakerd suggest`, as people run them."""

from __future__ import annotations

import gzip
import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd.breaker.replay import CAVEAT, CallRecord
from tests.support.command import BREAKERD, run
from tests.support.traces import with_bad_time

STRICT = "latency_threshold = 400\nwait_time = 2\n\n[breakers.loose]\nlatency_threshold = 9000\n"
SLO = "[slo]\nsuccess_rate = 0.95\ntimeout = 0.5\nwarmup = 20\n"


def csv_of(calls: Iterator[CallRecord]) -> str:
    rows = (f"{c.start:.6f},{c.duration * 1000:.3f},{503 if c.error else 200}\n" for c in calls)
    return "start,latency_ms,status\n" + "".join(rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay")
    (folder / "calls.csv").write_text(csv_of(with_bad_time()))
    (folder / "strict.toml").write_text(STRICT)
    (folder / "slo.toml").write_text(SLO)
    return folder


def test_two_configurations_side_by_side(folder: Path) -> None:
    done = run(
        "replay", "calls.csv", "--config", "strict.toml", "--against", "slo.toml", folder=folder
    )
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert re.match(
        r"calls\.csv \(csv\): \d+ calls in 10 min, 2023-11-14 22:13:20\.0\d\dZ to ", lines[0]
    )
    table = {
        row[0]: row[1:] for line in lines if len(row := re.split(r"\s{2,}", line.strip())) == 3
    }
    assert table["what it would have done"] == ["strict.toml", "slo.toml"]
    assert table["trips"] == ["1", "1"]
    assert table["state at the end"] == ["CLOSED", "CLOSED"]
    strict = lines[lines.index("Trips of strict.toml") + 1]
    assert re.match(r"2023-11-14 22:18:2\d\.\d{3}Z  p95 [\d,]+(\.\d+)? ms \(limit 400 ms\)", strict)
    assert re.search(r"; detected after .*, closed after .*, \d failed recoveries$", strict)
    assert "calls in a row fail or hang" in lines[lines.index("Trips of slo.toml") + 1]
    assert f"note: {CAVEAT}" in lines


def test_json_for_programs(folder: Path) -> None:
    done = run("replay", "calls.csv", "--config", "strict.toml", "--json", folder=folder)
    assert (done.code, done.err) == (0, "")
    data = json.loads(done.out)
    assert (data["trace"], data["format"], data["broken_lines"]) == ("calls.csv", "csv", [])
    assert data["configurations"][0]["trip_count"] == 1
    assert data["calls"] == sum(each["calls"] for each in data["series"]["bins"])


def test_the_settings_of_one_breaker(folder: Path) -> None:
    arguments = ("replay", "calls.csv", "--config", "strict.toml", "--json", "--breaker")
    done = run(*arguments, "loose", folder=folder)
    assert json.loads(done.out)["configurations"][0]["trip_count"] == 0
    done = run(*arguments, "losse", folder=folder)
    assert (done.code, done.out) == (2, "")
    assert done.err == ("breakerd: strict.toml: unknown breaker 'losse'; allowed: default, loose\n")


def test_the_standard_input_compressed(folder: Path) -> None:
    done = subprocess.run(
        [*BREAKERD, "replay", "-", "--config", "strict.toml"],
        input=gzip.compress((folder / "calls.csv").read_bytes()),
        cwd=folder,
        capture_output=True,
        check=True,
    )
    assert done.stdout.startswith(b"standard input (csv): ")
    assert done.stderr == b""


def test_a_picture(folder: Path) -> None:
    done = run(
        *("replay", "calls.csv", "--config", "strict.toml", "--against", "slo.toml"),
        *("--plot", "both.png"),
        folder=folder,
    )
    assert done.code == 0
    png = (folder / "both.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == (2310, 935)


def test_a_page_that_needs_nothing_else(folder: Path) -> None:
    (folder / "a$b$<c>.toml").write_text(STRICT)
    done = run(
        "replay", "calls.csv", "--config", "a$b$<c>.toml", "--plot", "page.html", folder=folder
    )
    assert done.code == 0
    page = (folder / "page.html").read_text()
    assert "a$b$&lt;c&gt;.toml: 1 trip" in page
    for name in ("latency p95", "latency_threshold (p95)", "calls per second", "calls in flight"):
        assert name in page
    assert "<c>" not in page
    assert not re.search(r"<(script|link|img|image)\b", page)
    assert not re.search(r"""(src|href)=["'](?!#)""", page)
    assert not re.search(r"url\((?!#)", page)


def test_lines_that_cannot_be_read_are_told(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "calls.csv").read_text().splitlines()
    lines[100] = "??"
    (tmp_path / "calls.csv").write_text("\n".join(lines))
    done = run("replay", tmp_path / "calls.csv", "--config", folder / "strict.toml")
    assert done.code == 0
    assert f"1 of {len(lines)} lines could not be read" in done.out
    assert "note: line 101: found 1 columns; the header has 3" in done.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("missing.csv", "--config", "strict.toml"), "missing.csv: No such file or directory"),
        (
            ("slo.toml", "--config", "strict.toml"),
            "slo.toml: line 1: found '[slo]', which is of no",
        ),
        (("calls.csv", "--config", "strict.toml", "--format", "nginx"), "wanted nginx's log"),
        (("calls.csv", "--config", "missing.toml"), "missing.toml: found No such file"),
        (("calls.csv", "--config", "wrong.toml"), "wrong.toml:1: latency_threshold: found -1"),
        (
            ("calls.csv", "--config", "strict.toml", "--plot", "a.gif"),
            "found '.gif'; allowed: .png",
        ),
        (("calls.csv",), "Missing option '--config'"),
    ],
)
def test_wrong_usage(folder: Path, arguments: tuple[str, ...], problem: str) -> None:
    (folder / "wrong.toml").write_text("latency_threshold = -1\n")
    done = run("replay", *arguments, folder=folder)
    assert (done.code, done.out) == (2, "")
    assert problem in done.err


def test_a_picture_that_cannot_be_written(folder: Path) -> None:
    done = run(
        "replay", "calls.csv", "--config", "strict.toml", "--plot", "no/such/a.png", folder=folder
    )
    assert done.code == 1
    assert "cannot write no/such/a.png: No such file or directory" in done.err


def test_progress_is_shown_on_a_terminal(folder: Path) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        with subprocess.Popen(
            [*BREAKERD, "replay", "calls.csv", "--config", "strict.toml"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
        ) as process:
            os.close(theirs)
            shown = b""
            while chunk := _read(terminal.fileno()):
                shown += chunk
        assert process.returncode == 0
    assert b"calls.csv" in shown
    size = (folder / "calls.csv").stat().st_size / 1000
    assert f"/{size:.1f} kB".encode() in shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # how Linux says that the other end is closed
        return b""


def test_suggest_prints_a_configuration(folder: Path, tmp_path: Path) -> None:
    done = run("suggest", "calls.csv", folder=folder)
    assert (done.code, done.err) == (0, "")
    proposed = tmp_path / "proposed.toml"
    proposed.write_text(done.out)
    assert run("check", proposed).code == 0
    assert re.search(
        r"^# - thresholds: 1 trip, detected after .* \(median\); ", done.out, re.MULTILINE
    )
    assert re.search(r"^# - service level alone: 1 trip, ", done.out, re.MULTILINE)
    played = run("replay", "calls.csv", "--config", proposed, "--json", folder=folder)
    assert json.loads(played.out)["configurations"][0]["trip_count"] == 1


def test_suggest_for_programs(folder: Path) -> None:
    done = run("suggest", "calls.csv", "--success-rate", "0.99", "--json", folder=folder)
    data = json.loads(done.out)
    values = {each["key"]: each["value"] for each in data["thresholds"]}
    assert values["percentile"] == 0.99
    assert data["effect"]["configurations"][0]["trip_count"] == 1
    assert run("suggest", "calls.csv", "--success-rate", "1.5", folder=folder).code == 2


def test_suggest_from_the_standard_input_has_no_second_look(folder: Path) -> None:
    with (folder / "calls.csv").open() as trace:
        done = subprocess.run(
            [*BREAKERD, "suggest", "-"], stdin=trace, capture_output=True, text=True, check=True
        )
    assert "latency_threshold = " in done.stdout
    assert "Replayed over" not in done.stdout


def test_what_a_trace_does_not_say_is_refused_or_stated(folder: Path, tmp_path: Path) -> None:
    rows = "".join(f"{1.7e9 + n},{80 + n % 3},200\n" for n in range(100))
    trace = tmp_path / "calls.csv"
    trace.write_text(f"ended,cost,code\n{rows}")
    wanted = ("--config", folder / "strict.toml", "--json")
    assert "found 'ended,cost,code', which is of no known" in run("replay", trace, *wanted).err

    columns = ("--columns", "end=ended,duration=cost,outcome=code")
    refused = run("replay", trace, *wanted, *columns)
    assert (refused.code, refused.out) == (2, "")
    assert "'cost' names no unit, and holds 80, 81, 82 …: as seconds" in refused.err
    assert "--unit s|ms|us|ns" in refused.err

    for stated in (
        (*columns, "--unit", "ms"),
        ("--columns", "end=ended,duration=cost:ms,outcome=code"),
        ("--columns", "start=ended,duration=cost:ms,outcome=code", "--time-is", "end"),
    ):
        data = json.loads(run("replay", trace, *wanted, *stated).out)
        assert data["p50_ms"] == pytest.approx(81, rel=0.02)
        assert data["began"] == pytest.approx(1.7e9 - 0.08)
    proposed = run("suggest", trace, *columns, "--unit", "ms").out
    assert re.search(r"^latency_threshold = (9\d|1[01]\d) ", proposed, re.MULTILINE)


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        (("--unit", "minutes"), "Invalid value for '--unit'"),
        (("--time-is", "noon"), "Invalid value for '--time-is'"),
        (("--columns", "begin=x"), "--columns: found 'begin=x'; allowed: start=NAME"),
        (("--columns", "duration=cost"), "found no column 'cost'; the trace has 'start', 'lat"),
    ],
)
def test_hints_that_are_wrong(folder: Path, option: tuple[str, str], problem: str) -> None:
    done = run("replay", "calls.csv", "--config", "strict.toml", *option, folder=folder)
    assert (done.code, done.out) == (2, "")
    assert problem in done.err


def test_calls_given_up_are_counted_apart(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "calls.csv"
    trace.write_text(
        "start,duration_ms,outcome\n0,80,ok\n1,80,abandoned\n2,,rejected\n3,80,error\n"
    )
    done = run("replay", trace, "--config", folder / "strict.toml")
    assert "1 failed (33.33%), 1 abandoned by their callers; latency p50 " in done.out
    assert "1 calls were rejected when they were recorded, and are left out" in done.out
