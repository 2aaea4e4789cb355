"""What is written as a trace is read as the same calls, and no line of noise ends the reading."""

from __future__ import annotations

import gzip
import json
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from breakerd import Settings, TraceError
from breakerd.breaker.replay import CallRecord, Format, Trace, replay

MOMENTS = st.integers(1_600_000_000_000, 1_600_000_050_000)
"""Milliseconds: near enough that none is ever too late."""
CALLS = st.lists(
    st.builds(
        lambda start, ms, error, memory: CallRecord(start / 1000, ms / 1000, error, memory),
        MOMENTS,
        st.integers(0, 30_000),
        st.booleans(),
        st.none() | st.integers(0, 100).map(lambda percent: percent / 100),
    ),
    min_size=1,
    max_size=30,
)


def read(content: bytes, form: Format = Format.AUTO) -> list[CallRecord]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trace"
        file.write_bytes(content)
        with Trace(file, form) as trace:
            return list(trace)


def same(found: list[CallRecord], written: list[CallRecord]) -> None:
    expected = sorted(written, key=lambda call: call.start)
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert abs(ours.start - theirs.start) < 1e-6
        assert abs(ours.duration - theirs.duration) < 1e-9
        assert ours.error == theirs.error
        assert ours.memory == theirs.memory


@given(
    CALLS,
    st.sampled_from([("s", 1e3), ("ms", 1.0), ("us", 1e-3)]),
    st.sampled_from([",", ";", "\t"]),
    st.booleans(),
)
def test_csv_round_trip(
    calls: list[CallRecord],
    unit: tuple[str, float],
    delimiter: str,
    packed: bool,
) -> None:
    name, milliseconds = unit
    lines = [delimiter.join(("memory", "outcome", f"latency_{name}", "time"))]
    for call in calls:
        memory = "" if call.memory is None else repr(call.memory)
        date = datetime.fromtimestamp(call.start, UTC).isoformat()
        latency = repr(call.duration * 1000 / milliseconds)
        lines.append(delimiter.join((memory, "error" if call.error else "ok", latency, date)))
    content = "\n".join(lines).encode()
    same(read(gzip.compress(content) if packed else content), calls)


@given(CALLS, st.sampled_from([1.0, 1e3, 1e6, 1e9]))
def test_json_round_trip(calls: list[CallRecord], per_second: float) -> None:
    lines = (
        json.dumps(
            {
                "ts": round(call.start * per_second) if per_second > 1 else call.start,
                "duration_s": call.duration,
                "success": not call.error,
                "memory": call.memory,
            }
        )
        for call in calls
    )
    same(read("\n".join(lines).encode()), calls)


@given(CALLS)
def test_envoy_round_trip(calls: list[CallRecord]) -> None:
    lines = []
    for call in calls:
        date = datetime.fromtimestamp(call.start, UTC).isoformat(timespec="milliseconds")
        status, took = 503 if call.error else 200, round(call.duration * 1000)
        lines.append(
            f'[{date[:-6]}Z] "GET /a HTTP/1.1" {status} - 0 91 {took} - "-" "curl" "id" "h" "u:80"'
        )
    found = read("\n".join(lines).encode())
    same(found, [call._replace(memory=None) for call in calls])


@given(st.binary(max_size=300), st.sampled_from(list(Format)))
def test_noise_is_refused_in_order_and_never_a_crash(noise: bytes, form: Format) -> None:
    for content in (noise, b"start,duration\n1,2\n" * 40 + noise):
        with suppress(TraceError):
            read(content, form)


@given(CALLS, st.sampled_from([0.005, 0.4, 5.0]))
def test_each_call_is_rejected_or_admitted_and_time_adds_up(
    calls: list[CallRecord], threshold: float
) -> None:
    settings = Settings(latency_threshold=threshold * 1000, minimum_calls=2, wait_time=1)
    report = replay(sorted(calls, key=lambda call: call.start), settings)
    (outcome,) = report.outcomes
    assert outcome.rejected.total + outcome.admitted.total == len(calls)
    assert outcome.rejected.failed + outcome.admitted.failed == report.errors
    assert abs(sum(outcome.seconds.values()) - report.seconds) < 1e-6
