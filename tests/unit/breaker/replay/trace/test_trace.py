from __future__ import annotations

import gzip
import io
import json
import os
import sys
from pathlib import Path

import pytest

from breakerd.breaker.errors import TraceError
from breakerd.breaker.replay import CallRecord, Format, Trace
from breakerd.breaker.replay.trace import source
from breakerd.breaker.replay.trace.trace import MAX_BROKEN_KEPT

CALLS = [CallRecord(float(number), 0.25, error=number % 5 == 0) for number in range(1, 41)]
CSV = "start,duration_ms,error\n" + "".join(f"{c.start},250,{c.error}\n" for c in CALLS)


def write(folder: Path, content: str | bytes, name: str = "trace.csv") -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def read(file: Path, form: Format = Format.AUTO) -> list[CallRecord]:
    with Trace(file, form) as trace:
        return list(trace)


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        CSV.replace("\n", "\r\n"),
        "\ufeff" + CSV,
        gzip.compress(CSV.encode()),
        CSV.replace(",", "\t"),
        "".join(f'{{"start": {c.start}, "took": 0.25, "err": {c.error:d}}}\n' for c in CALLS),
    ],
    ids=["plain", "crlf", "bom", "gzip", "tabs", "jsonl"],
)  # fmt: skip
def test_the_same_calls_in_other_dress(tmp_path: Path, content: str | bytes) -> None:
    assert read(write(tmp_path, content)) == CALLS


def test_calls_come_in_the_order_of_their_starts(tmp_path: Path) -> None:
    assert read(write(tmp_path, "start,duration\n5,1\n3,1\n4,9\n")) == [
        CallRecord(3, 1), CallRecord(4, 9), CallRecord(5, 1),
    ]  # fmt: skip


def test_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(CSV.encode())
    with os.fdopen(reading, "rb") as pipe:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
        with Trace("-") as trace:
            assert list(trace) == CALLS
            assert trace.name == "standard input"
            assert trace.source.size is None
            assert trace.source.position() == 0
        assert not pipe.closed


def test_how_far_it_is_read_is_known(tmp_path: Path) -> None:
    file = write(tmp_path, CSV)
    with Trace(file) as trace:
        assert len(list(trace)) == len(CALLS)
        assert trace.source.size == trace.source.position() == file.stat().st_size
        assert trace.lines == len(CALLS) + 1


def test_broken_lines_are_counted_and_named(tmp_path: Path) -> None:
    lines = [f"{n},250,0" for n in range(1000)]
    for number in range(100, 120):
        lines[number] = "what?"
    file = write(tmp_path, "start,duration_ms,error\n" + "\n".join(lines))
    with Trace(file) as trace:
        assert len(list(trace)) == 980
        assert trace.broken_count == 20
        assert len(trace.broken) == MAX_BROKEN_KEPT
        assert str(trace.broken[0]) == "line 102: found 1 columns; the header has 3"
        assert "20 of 1001 lines could not be read" in trace.notes


def test_too_many_broken_lines_end_it(tmp_path: Path) -> None:
    file = write(tmp_path, CSV + "x\n" * 3)
    problem = r"3 of 44 lines cannot be read as csv; at most 5% may be broken. line 42"
    with pytest.raises(TraceError, match=problem):
        read(file)


def test_many_broken_lines_end_it_before_its_end(tmp_path: Path) -> None:
    file = write(tmp_path, CSV + "x\n" * 5000)
    with pytest.raises(TraceError, match=r"of 1000 lines cannot be read"):
        read(file)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "found nothing; wanted calls"),
        ("start,duration\n", "1 lines, and no call in them"),
        ("hello\n", "line 1: found 'hello'"),
        (b"\x1f\x8bnonsense", "found nothing"),
    ],
)
def test_what_is_no_trace(tmp_path: Path, content: str | bytes, problem: str) -> None:
    file = write(tmp_path, content)
    with pytest.raises(TraceError, match=problem) as raised:
        read(file)
    assert str(raised.value).startswith(f"{file}: ")


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="No such file or directory; a trace is a readable file"):
        Trace(tmp_path / "missing.csv")
    with pytest.raises(TraceError, match="Is a directory"):
        Trace(tmp_path)


def test_a_format_that_it_is_not(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="wanted nginx's log"):
        Trace(write(tmp_path, CSV), Format.NGINX)


def test_a_compressed_file_that_is_cut_off_gives_what_it_has(tmp_path: Path) -> None:
    whole = "start,duration\n" + "".join(f"{n / 7},{n % 13}\n" for n in range(20_000))
    packed = gzip.compress(whole.encode())
    with Trace(write(tmp_path, packed[: len(packed) // 2])) as trace:
        calls = list(trace)
        assert 1000 < len(calls) < 20_000
        assert any("cut off after line" in note for note in trace.notes)


def test_late_calls_are_noted(tmp_path: Path) -> None:
    with Trace(write(tmp_path, "start,duration\n1,1\n500,1\n1000,1\n2,1\n")) as trace:
        assert len(list(trace)) == 4
        assert any(note.startswith("1 calls stand more than 60 s") for note in trace.notes)


def test_ends_to_the_second_are_laid_over_it(tmp_path: Path) -> None:
    line = '192.0.2.7 - - [10/Oct/2023:13:55:36 +0000] "GET / HTTP/1.1" 200 5 "-" "curl" rt=0.100\n'
    ends = [call.start + call.duration for call in read(write(tmp_path, line * 4, "access.log"))]
    assert [round(end % 1, 6) for end in ends] == [0.125, 0.375, 0.625, 0.875]


def test_a_histogram_over_time(tmp_path: Path) -> None:
    text = "".join(
        f'a_seconds_bucket{{le="{le}"}} {count} {at}000\n'
        for at, count in ((1700000000, 0), (1700000010, 5))
        for le in ("0.5", "+Inf")
    )
    with Trace(write(tmp_path, text, "metrics.txt")) as trace:
        assert trace.form is Format.PROMETHEUS
        assert len(list(trace)) == 5
        assert trace.notes[0].startswith("approximation: ")


def test_an_answer_of_query_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = [
        {"metric": {"le": le}, "values": [[100, "0"], [110, "4"], [120, "9"]]}
        for le in ("0.5", "+Inf")
    ]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": series}}
    for indent in (None, 2):
        # In pieces, as if it were longer than any line of a log.
        monkeypatch.setattr(source, "_MAX_LINE_LENGTH", 64)
        assert len(read(write(tmp_path, json.dumps(answer, indent=indent), "range.json"))) == 9
    packed = gzip.compress(json.dumps(answer, indent=1).encode() * 50)
    with pytest.raises(TraceError, match="damaged or cut off"):
        read(write(tmp_path, packed[:-20], "range.json.gz"))


def test_broken_samples_are_counted(tmp_path: Path) -> None:
    good = "".join(f'a_bucket{{le="1"}} {n} {1700000000 + n}\n' for n in range(100))
    with Trace(write(tmp_path, good + 'a_bucket{le="1"} x\n', "m.txt")) as trace:
        assert len(list(trace)) == 99
        assert trace.broken_count == 1
    with pytest.raises(TraceError, match="this sample has no time"):
        read(write(tmp_path, 'a_bucket{le="+Inf"} 1\n' * 9, "m.txt"))


def test_a_line_without_end_is_broken_and_takes_no_memory(tmp_path: Path) -> None:
    file = write(tmp_path, CSV + "x" * (3 << 20) + "\n" + CSV.split("\n", 1)[1] * 10)
    with Trace(file) as trace:
        assert len(list(trace)) == 11 * len(CALLS)
        assert trace.broken_count == 3
