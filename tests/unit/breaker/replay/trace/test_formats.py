from __future__ import annotations

import pytest

from breakerd.breaker.replay import CallRecord, Format, TimeIs
from breakerd.breaker.replay.trace.formats import detect_format, line_reader

NGINX = '192.0.2.7 - - [10/Oct/2023:13:55:36 +0000] "GET / HTTP/1.1" 200 5 "-" "curl"'
ENVOY = '[2023-10-10T11:55:36.250Z] "GET / HTTP/1.1" 200 - 0 91 12 11 "-" "curl" "i" "h" "u:80"'
UVICORN = 'INFO:     127.0.0.1:5000 - "GET / HTTP/1.1" 200 OK'

HEADS = {
    Format.CSV: ["start,duration_ms,status", "1,2,200"],
    Format.JSONL: ['{"start": 1, "duration_s": 2}'],
    Format.PROMETHEUS: ["# TYPE a histogram", 'a_bucket{le="1"} 3 1700000000000'],
    Format.NGINX: [f"{NGINX} rt=0.100"],
    Format.ENVOY: [ENVOY],
    Format.UVICORN: ["INFO:     Started server process [1]", UVICORN],
}


@pytest.mark.parametrize("form", HEADS)
def test_each_format_is_known_by_its_first_lines(form: Format) -> None:
    assert detect_format(HEADS[form]) is form
    assert detect_format(["", *HEADS[form]]) is form


def test_other_heads() -> None:
    assert detect_format(["{", '  "data": {"resultType": "matrix",']) is Format.PROMETHEUS
    assert detect_format(['"start";"latency (ms)"']) is Format.CSV
    assert detect_format(["time\tduration"]) is Format.CSV


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        ([], "found nothing"),
        (["", "  "], "found nothing"),
        (["\x7fELF\0\0"], "found binary data"),
        (["", "Dear Sir or Madam"], r"line 2: found 'Dear Sir or Madam', .* understood: CSV with"),
        (["a" * 500], r"'a{79}…'"),
        (["[1, 2]"], "no known format"),
    ],
)
def test_what_is_of_no_format(head: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        detect_format(head)


@pytest.mark.parametrize(
    ("form", "head", "problem"),
    [
        (Format.CSV, ["when,how"], "line 1: found the columns 'when', 'how'; wanted a start"),
        (Format.JSONL, ['{"a": 1}'], "found the keys 'a'; wanted a start"),
        (Format.JSONL, ["start,duration"], "found the keys 'start,duration'; wanted"),
        (Format.NGINX, [NGINX], r"has no duration; add one: nginx's log_format rt=\$request_time"),
        (Format.NGINX, [ENVOY], "wanted nginx's log"),
        (Format.ENVOY, [NGINX], "wanted Envoy's default format"),
        (Format.UVICORN, [UVICORN], "neither the time nor the duration of a call; log JSON Lines"),
        (Format.UVICORN, [NGINX], "wanted uvicorn's log"),
        (Format.CSV, [], "found nothing"),
    ],
)  # fmt: skip
def test_what_lacks_something(form: Format, head: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        line_reader(form, head)


def test_the_header_is_no_call() -> None:
    reader = line_reader(Format.CSV, ["", "start,duration_ms", "1,2"])
    assert reader.skip == 2
    assert reader.parse("1,2") == CallRecord(1, 0.002)


def test_a_key_that_only_failures_have_may_come_later() -> None:
    reader = line_reader(Format.JSONL, ['{"msg": "hello"}', '{"start": 1, "duration_s": 2}'])
    call = reader.parse('{"start": 1, "duration_s": 2, "error": "refused"}')
    assert call == CallRecord(1, 2, error=True)


def test_nginx_tells_ends_to_the_second() -> None:
    reader = line_reader(Format.NGINX, [f"{NGINX} rt=0.100"])
    assert reader.whole_seconds is TimeIs.END
    assert "spread evenly" in reader.notes[0]
