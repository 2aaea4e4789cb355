"""Envelopes that collectors put around a line are taken off, once and more than once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from breakerd.breaker.replay import CallRecord, Format, Trace

ENVOY = '[2026-08-29T10:40:{:02}.000Z] "GET / HTTP/1.1" 200 - 0 91 80 79 "-" "-" "curl" "i" "h"'
NGINX = '10.1.2.3 - - [29/Aug/2026:10:40:{:02} +0000] "GET / HTTP/1.1" 200 5 "-" "curl" rt=0.080'
OBJECT = '{{"start": "2026-08-29T10:40:{:02}Z", "duration_ms": 80, "status": 200}}'
FORMATS = {"envoy": ENVOY, "nginx": NGINX, "json": OBJECT}
STAMP = "2026-08-29T10:40:00.123456789Z"
BEGAN = 1788000000.0


def docker(line: str) -> str:
    return json.dumps({"log": line + "\n", "stream": "stdout", "time": STAMP})


LAYERS: dict[str, Callable[[str], str]] = {
    "kubectl --prefix": lambda line: f"[pod/web-7d9/istio-proxy] {line}",
    "kubectl --timestamps": lambda line: f"{STAMP} {line}",
    "kubectl --prefix --timestamps": lambda line: f"[pod/web-7d9/app] {STAMP} {line}",
    "docker's json-file": docker,
    "CRI": lambda line: f"{STAMP} stdout F {line}",
    "docker compose": lambda line: f"web-1  | {line}",
    "syslog": lambda line: f"Aug 29 10:40:00 web nginx[17]: {line}",
    "syslog, RFC 5424": lambda line: f"<13>1 {STAMP} web app 17 - - {line}",
    "a text in JSON": lambda line: json.dumps({"message": line, "host": "web"}),
    "docker's json-file around docker's": lambda line: docker(docker(line)),
    "CRI around docker compose": lambda line: f"{STAMP} stdout F web-1 | {line}",
}


def read(folder: Path, lines: list[str]) -> tuple[list[CallRecord], Trace]:
    file = folder / "trace"
    file.write_text("\n".join(lines) + "\n")
    with Trace(file) as trace:
        return list(trace), trace


@pytest.mark.parametrize("wrap", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("line", FORMATS.values(), ids=FORMATS)
def test_the_same_calls_in_any_envelope(
    tmp_path: Path, line: str, wrap: Callable[[str], str]
) -> None:
    plain, _ = read(tmp_path, [line.format(second) for second in range(50)])
    wrapped, trace = read(tmp_path, [wrap(line.format(second)) for second in range(50)])
    assert len(plain) == 50
    assert wrapped == plain
    assert (trace.lines, trace.broken_count, trace.other_events) == (50, 0, 0)


@pytest.mark.parametrize("wrap", [LAYERS["docker's json-file"], LAYERS["CRI"]])
def test_lines_of_other_origin_between(tmp_path: Path, wrap: Callable[[str], str]) -> None:
    lines = [wrap(OBJECT.format(second)) for second in range(50)]
    lines[7:7] = [wrap("Listening on :8080"), "rotated"]
    calls, trace = read(tmp_path, lines)
    assert len(calls) == 50
    assert trace.other_events == 2
    assert "2 lines hold no call, and were passed over" in trace.notes


def test_long_lines_come_in_parts(tmp_path: Path) -> None:
    line = OBJECT.format(1)
    head, tail = line[:20], line[20:]
    parts = [
        json.dumps({"log": head, "stream": "stdout", "time": STAMP}),
        json.dumps({"log": tail + "\n", "stream": "stdout", "time": STAMP}),
    ]
    calls, trace = read(tmp_path, [docker(OBJECT.format(0)), *parts])
    assert [call.start for call in calls] == [BEGAN, BEGAN + 1]
    assert trace.lines == 3
    calls, _ = read(tmp_path, [f"{STAMP} stdout P {head}", f"{STAMP} stdout F {tail}"])
    assert [call.start for call in calls] == [BEGAN + 1]


def test_parts_across_the_end_of_the_head(tmp_path: Path) -> None:
    lines = [docker(OBJECT.format(0))] * 499
    lines.append(json.dumps({"log": OBJECT.format(1)[:9], "stream": "stdout"}))
    lines.append(json.dumps({"log": OBJECT.format(1)[9:] + "\n", "stream": "stdout"}))
    calls, trace = read(tmp_path, lines)
    assert len(calls) == 500
    assert trace.broken_count == 0


def test_the_date_of_uvicorns_lines_is_no_envelope(tmp_path: Path) -> None:
    line = f'{STAMP} INFO: 127.0.0.1:5000 - "GET / HTTP/1.1" 200 OK 80.0ms'
    calls, trace = read(tmp_path, [line])
    assert trace.form is Format.UVICORN
    assert calls == [CallRecord(calls[0].start, 0.08)]
    assert calls[0].start == pytest.approx(BEGAN + 0.043456, rel=0, abs=1e-5)
    inside, _ = read(tmp_path, [LAYERS["kubectl --prefix"](line)])
    assert inside == calls


def test_objects_that_are_calls_are_no_envelope(tmp_path: Path) -> None:
    row = '{"start": 1, "duration_ms": 80, "message": "done", "log": "x", "stream": "stdout"}'
    calls, _ = read(tmp_path, [row.replace('"stream": "stdout"', '"a": 1')])
    assert calls == [CallRecord(1, 0.08)]
