"""The same calls, as each tool writes them, are read as the same calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from breakerd.breaker.replay import CallRecord, Trace

BEGAN = 1_788_000_000
CALLS = [
    CallRecord(BEGAN + n * 0.25, (250 if n >= 300 else 60 + n % 7 * 10) / 1000, n % 20 == 0)
    for n in range(320)
]


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def to_second(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")


def ms(call: CallRecord) -> int:
    return round(call.duration * 1000)


def end(call: CallRecord) -> float:
    return call.start + call.duration


def status(call: CallRecord) -> int:
    return 503 if call.error else 200


def combined(call: CallRecord, moment: float) -> str:
    return f'10.1.2.3 - - [{to_second(moment)}] "GET / HTTP/1.1" {status(call)} 5 "-" "curl"'


def objects(fields: Callable[[CallRecord], dict[str, object]]) -> Callable[[], list[str]]:
    return lambda: [json.dumps(fields(call)) for call in CALLS]


def rows(header: str, cells: Callable[[CallRecord], str]) -> Callable[[], list[str]]:
    return lambda: [*header.splitlines(), *map(cells, CALLS)]


def k6_object(call: CallRecord, metric: str = "http_req_duration") -> str:
    tags = {"status": "0" if call.error else "200", "method": "GET"}
    data = {"time": iso(end(call)), "value": call.duration * 1000, "tags": tags}
    return json.dumps({"type": "Point", "data": data, "metric": metric})


NO_ANSWER = 'Non HTTP response code: a.b.C,x,t,text,false,"a\nb, c",'


EXACT: dict[str, Callable[[], list[str]]] = {
    "vegeta JSON": objects(
        lambda c: {
            "attack": "", "seq": 0, "code": 0 if c.error else 200, "timestamp": iso(c.start),
            "latency": round(c.duration * 1e9), "error": "timeout" if c.error else "",
        }
    ),
    "vegeta CSV": rows(
        "",
        lambda c: f"{c.start * 1e9:.0f},{0 if c.error else 200},{c.duration * 1e9:.0f},0,5,"
        f"{'Get: timeout' if c.error else ''},,,7,GET,http://a,",
    ),
    "Traefik": objects(
        lambda c: {
            "DownstreamStatus": status(c), "Duration": round(c.duration * 1e9),
            "StartUTC": iso(c.start), "time": iso(c.start + 9), "level": "info", "msg": "",
        }
    ),
    "Traefik without a start": objects(
        lambda c: {
            "DownstreamStatus": status(c), "Duration": round(c.duration * 1e9),
            "time": iso(end(c)), "level": "info",
        }
    ),
    "Caddy": objects(
        lambda c: {
            "level": "info", "ts": end(c), "logger": "http.log.access", "msg": "handled request",
            "request": {"method": "GET"}, "duration": c.duration, "status": status(c),
        }
    ),
    "Caddy with durations as texts": objects(
        lambda c: {
            "ts": end(c), "logger": "http.log.access", "request": {"method": "GET"},
            "duration": f"{ms(c)}ms", "status": status(c),
        }
    ),
    "Envoy JSON": objects(
        lambda c: {
            "start_time": iso(c.start), "duration": ms(c), "response_flags": "-",
            "response_code": 0 if c.error else 200,
        }
    ),
    "pino-http": objects(
        lambda c: {
            "level": 30, "time": round(end(c) * 1000), "responseTime": ms(c),
            "res": {"statusCode": status(c)}, "req": {"method": "GET"}, "msg": "request completed",
        }
    ),
    "structlog": objects(
        lambda c: {
            "event": "request", "timestamp": iso(end(c)), "level": "info",
            "duration": c.duration, "status": status(c),
        }
    ),
    "nginx JSON": objects(
        lambda c: {
            "@timestamp": iso(end(c)), "request_time": f"{c.duration:.3f}", "status": str(status(c))
        }
    ),
    "Elastic Common Schema": objects(
        lambda c: {
            "@timestamp": iso(end(c)), "event": {"duration": round(c.duration * 1e9)},
            "http": {"response": {"status_code": status(c)}}, "message": "GET /",
        }
    ),
    "Google Cloud": objects(
        lambda c: {
            "timestamp": iso(c.start), "severity": "INFO",
            "httpRequest": {"latency": f"{c.duration:.3f}s", "status": status(c)},
        }
    ),
    "k6 JSON": lambda: [
        line
        for call in CALLS
        for line in (
            json.dumps({"type": "Metric", "metric": "http_reqs", "data": {"type": "counter"}}),
            k6_object(call, "http_req_waiting"),
            k6_object(call),
        )
    ],
    "JMeter": rows(
        "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,"
        "failureMessage,bytes,Latency,IdleTime,Connect",
        lambda c: f"{c.start * 1000:.0f},{ms(c)},get,"
        + (NO_ANSWER if c.error else "200,OK,t,text,true,,")
        + "1430,45,0,3",
    ),
    "JMeter without a header": rows(
        "",
        lambda c: f"{c.start * 1000:.0f},{ms(c)},get,200,OK,t,text,{str(not c.error).lower()},,5",
    ),
    "hey": rows(
        "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset",
        lambda c: f"{c.duration:.4f},0,0,0,0,0,{status(c)},{c.start - BEGAN:.4f}",
    ),
    "Envoy": rows(
        "",
        lambda c: f'[{iso(c.start)}] "GET / HTTP/1.1" {status(c)} - 0 91 {ms(c)} - "-" "-" "i" "h"',
    ),
    "HAProxy": rows(
        "",
        lambda c: f"Aug 29 10:40:00 lb haproxy[1]: 10.0.1.2:33317 "
        f"[{to_second(c.start)[:-6]}.{round(c.start % 1 * 1000):03}] in web/s1 "
        f'0/0/0/9/{ms(c)} {status(c)} 27 - - ---- 1/1/1/1/0 0/0 "GET / HTTP/1.1"',
    ),
    "a load balancer of AWS": rows(
        "",
        lambda c: f"https {iso(end(c))} app/lb/5 192.0.2.7:28 10.0.0.1:80 0.000 {c.duration:.3f} "
        f'0.000 {status(c)} 200 34 366 "GET https://a:443/ HTTP/1.1" "curl" - - arn "R" "a" "-" 0 '
        f'{iso(c.start)} "forward"',
    ),
}  # fmt: skip
TO_THE_SECOND: dict[str, Callable[[], list[str]]] = {
    "nginx": lambda: [f"{combined(c, end(c))} rt={c.duration:.3f}" for c in CALLS],
    "ingress-nginx": lambda: [
        f"{combined(c, end(c))} 512 {c.duration:.3f} [web-80] [] 10.0.0.1:80 5 0.001 200 i"
        for c in CALLS
    ],
    "nginx JSON to the second": objects(
        lambda c: {
            "time_iso8601": iso(int(end(c))), "request_time": c.duration, "status": status(c)
        }
    ),
    "gunicorn %(L)s": lambda: [f"{combined(c, end(c))} {c.duration:.6f}" for c in CALLS],
    "gunicorn %(D)s": lambda: [f"{combined(c, end(c))} {c.duration * 1e6:.0f}" for c in CALLS],
    "gunicorn %(M)sms": lambda: [f"{combined(c, end(c))} {ms(c)}ms" for c in CALLS],
    "morgan": lambda: [f"{combined(c, end(c))} {c.duration * 1000:.3f} ms" for c in CALLS],
    "Traefik's own": lambda: [
        f'{combined(c, c.start)} 12 "web@docker" "http://10.0.0.1:80" {ms(c)}ms' for c in CALLS
    ],
    "k6 CSV": rows(
        "metric_name,timestamp,metric_value,check,error,error_code,method,status,extra_tags",
        lambda c: f"http_reqs,{int(end(c))},1,,,,GET,{status(c)},\n"
        f"http_req_duration,{int(end(c))},{c.duration * 1000},,,,GET,{status(c)},",
    ),
}  # fmt: skip


def read(folder: Path, lines: list[str]) -> tuple[list[CallRecord], Trace]:
    file = folder / "trace"
    file.write_text("\n".join(lines) + "\n")
    with Trace(file) as trace:
        return list(trace), trace


@pytest.mark.parametrize("write", EXACT.values(), ids=EXACT)
def test_calls_to_the_millisecond(tmp_path: Path, write: Callable[[], list[str]]) -> None:
    found, trace = read(tmp_path, write())
    assert trace.broken_count == 0
    assert len(found) == len(CALLS)
    shift = BEGAN if found[0].start < 1e6 else 0  # where times count from the beginning
    for ours, theirs in zip(found, CALLS, strict=True):
        assert ours.start + shift == pytest.approx(theirs.start, abs=0.0011, rel=0)
        assert ours.duration == pytest.approx(theirs.duration, abs=1e-9)
        assert ours.error == theirs.error


@pytest.mark.parametrize("write", TO_THE_SECOND.values(), ids=TO_THE_SECOND)
def test_calls_to_the_second(tmp_path: Path, write: Callable[[], list[str]]) -> None:
    found, trace = read(tmp_path, write())
    assert trace.broken_count == 0
    assert len(found) == len(CALLS)
    assert sorted(call.duration for call in found) == pytest.approx(
        sorted(call.duration for call in CALLS)
    )
    assert sum(call.error for call in found) == sum(call.error for call in CALLS)
    assert any("spread evenly over it" in note for note in trace.notes)
    for ours, theirs in zip(found, CALLS, strict=True):
        assert ours.start == pytest.approx(theirs.start, abs=1.0, rel=0)


def test_a_tool_is_named(tmp_path: Path) -> None:
    for name in ("vegeta", "Traefik", "Caddy", "Envoy", "pino-http", "k6", "JMeter", "hey"):
        write = EXACT.get(f"{name} JSON") or EXACT[name]
        _, trace = read(tmp_path, write())
        assert trace.notes[0].endswith(f", as {name} writes them")


def test_the_table_of_ab(tmp_path: Path) -> None:
    lines = ["starttime\tseconds\tctime\tdtime\tttime\twait"]
    lines += [f"Sat Aug 29 10:40:00 2026\t{BEGAN + n}\t1\t79\t80\t70" for n in range(5)]
    found, _ = read(tmp_path, lines)
    assert found == [CallRecord(BEGAN + n, 0.08) for n in range(5)]
