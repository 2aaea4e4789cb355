"""Seconds and peak memory of replaying a million calls, for each format read line by line.

    python -m benchmarks.studies.replay_speed [CALLS]

Each run is a process of its own, so its peak memory is its own. A tenth of the calls is replayed as
well, to show that memory does not grow with their number.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from breakerd import Settings, Slo
from breakerd.breaker.replay import CallRecord, Trace, replay

THRESHOLDS = Settings(latency_threshold=400, error_threshold=0.5, wait_time=5)
SERVICE_LEVEL = Settings(slo=Slo(success_rate=0.95, timeout=0.5))
CONFIGURATIONS = {
    "thresholds": {"thresholds": THRESHOLDS},
    "slo": {"slo": SERVICE_LEVEL},
    "both": {"thresholds": THRESHOLDS, "slo": SERVICE_LEVEL},
}


def main() -> None:
    """Measure each format with thresholds, with a service level, and with both side by side."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print("| format | calls | configuration | seconds | peak memory (MB) |")
    print("| --- | ---: | --- | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMATS:
            for calls in (count // 10, count):
                file = Path(folder) / f"{form}-{calls}"
                write(file, form, calls)
                for name in CONFIGURATIONS:
                    print(table_row(file, form, calls, name))
                file.unlink()


def table_row(file: Path, form: str, calls: int, name: str) -> str:
    """Replay in a process of its own, and return a row of the table."""
    command = [sys.executable, __file__, "--once", str(file), name]
    seconds, megabytes = json.loads(subprocess.check_output(command))  # noqa: S603 - this program
    return f"| {form} | {calls} | {name} | {seconds:.1f} | {megabytes:.0f} |"


def once(file: str, name: str) -> None:
    """Replay one file, and print the seconds and megabytes."""
    begin = time.perf_counter()
    with Trace(file) as trace:
        report = replay(trace, CONFIGURATIONS[name])
    if not all(outcome.trip_count for outcome in report.outcomes):
        sys.exit("the outage in the trace was missed")
    seconds = time.perf_counter() - begin
    print(json.dumps([seconds, getrusage(RUSAGE_SELF).ru_maxrss / 1000]))


def calls_of(count: int) -> Iterator[CallRecord]:
    """Yield calls at 200 a second; after half of them, a twentieth is slow and often fails."""
    chance, now = random.Random(1), 1.7e9  # noqa: S311 - the same calls in every run
    for number in range(count):
        bad = 0.5 < number / count < 0.55
        now += chance.expovariate(200)
        duration = chance.lognormvariate(-2.5, 0.4) * (15 if bad else 1)
        yield CallRecord(now, duration, chance.random() < (0.3 if bad else 0.005), 0.5)


def write(file: Path, form: str, count: int) -> None:
    """Write a trace of `count` calls; access logs in the order in which calls end."""
    line_of = FORMATS[form]
    with file.open("w") as trace:
        if form == "csv":
            trace.write("start,duration_ms,status,memory\n")
        trace.writelines(f"{line_of(call)}\n" for call in calls_of(count))


def csv_line(call: CallRecord) -> str:
    """Return a line of CSV."""
    return f"{call.start:.6f},{call.duration * 1000:.3f},{status(call)},{call.memory}"


def json_line(call: CallRecord) -> str:
    """Return a JSON object."""
    date = datetime.fromtimestamp(call.start, UTC).isoformat()
    return json.dumps({"start": date, "duration_s": round(call.duration, 6), "error": call.error})


def nginx_line(call: CallRecord) -> str:
    """Return a line of nginx's combined format with the duration."""
    date = datetime.fromtimestamp(call.start + call.duration, UTC).strftime("%d/%b/%Y:%H:%M:%S")
    request = '"GET /pay HTTP/1.1"'
    return f'192.0.2.7 - - [{date} +0000] {request} {status(call)} 9 "-" "c" rt={call.duration:.3f}'


def envoy_line(call: CallRecord) -> str:
    """Return a line of Envoy's default format."""
    date = datetime.fromtimestamp(call.start, UTC).isoformat(timespec="milliseconds")
    took = round(call.duration * 1000)
    request = '"GET /pay HTTP/1.1"'
    return f'[{date[:-6]}Z] {request} {status(call)} - 0 9 {took} - "-" "c" "id" "host" "u:80"'


def status(call: CallRecord) -> int:
    """Return the HTTP status of a call."""
    return 503 if call.error else 200


FORMATS: dict[str, Callable[[CallRecord], str]] = {
    "csv": csv_line,
    "jsonl": json_line,
    "nginx": nginx_line,
    "envoy": envoy_line,
}

if __name__ == "__main__":
    if "--once" in sys.argv:
        once(sys.argv[2], sys.argv[3])
    else:
        main()
