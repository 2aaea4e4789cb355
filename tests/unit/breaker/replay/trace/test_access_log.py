from __future__ import annotations

import pytest

from breakerd.breaker.replay import CallRecord
from breakerd.breaker.replay.trace.access_log import (
    envoy_parser,
    is_envoy,
    is_nginx,
    is_uvicorn,
    nginx_duration,
    nginx_parser,
    uvicorn_parser,
)

COMBINED = (
    '192.0.2.7 - ann [10/Oct/2023:13:55:36 +0200] "GET /a?b=\\"c\\" HTTP/1.1" 502 2326 '
    '"https://example.org/" "Mozilla/5.0 (X11; rv:1.0)"'
)
ENDED = 1696938936.0
ENVOY = (
    '[2023-10-10T11:55:36.250Z] "GET /a HTTP/1.1" 503 UF 0 91 1250 - "-" "curl/8" "id" '
    '"example.org" "192.0.2.1:80"'
)
ISTIO = (
    '[2023-10-10T11:55:36.250Z] "GET /a HTTP/1.1" 200 - via_upstream - "-" 0 135 12 11 "-" "curl" '
    '"id" "example.org" "192.0.2.1:80" outbound|80||example.org - - - - -'
)


@pytest.mark.parametrize(
    ("rest", "seconds"),
    [
        (" rt=0.250", 0.25),
        (' rt="0.250" uct="0.001" urt="0.240"', 0.25),
        (" request_time=1.5 upstream_response_time=1.4", 1.5),
        (" upstream_response_time=0.100, 0.200 : 0.050", 0.35),
        (' "-" urt=0.125', 0.125),
        (" 0.250 0.240 .", 0.25),
        (' "203.0.113.9" "0.250"', 0.25),
        (" rt=- urt=-", None),
        ("", None),
        (' "10.0.0.1"', None),
    ],
)
def test_where_nginx_has_the_duration(rest: str, seconds: float | None) -> None:
    found = nginx_duration(rest)
    assert found == (None if seconds is None else pytest.approx(seconds))
    assert is_nginx(COMBINED + rest)


def test_nginx_writes_at_the_end() -> None:
    parse = nginx_parser()
    assert parse(f"{COMBINED} rt=0.250") == CallRecord(ENDED - 0.25, 0.25, error=True)
    assert parse(f"{COMBINED} rt=1.000".replace(" 502 ", " 499 ")) == CallRecord(ENDED - 1, 1)
    assert parse("") is None


def test_nginx_with_other_dates_and_the_common_format() -> None:
    line = '::1 - - [2023-10-10T13:55:36+02:00] "GET / HTTP/2.0" 200 5 0.125'
    assert nginx_parser()(line) == CallRecord(ENDED - 0.125, 0.125)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("kernel: oops", "wanted nginx's combined format"),
        (COMBINED, "no duration in this line"),
        (f"{COMBINED} rt=1".replace("Oct", "Okt"), "as a time"),
    ],
)
def test_broken_lines_of_nginx(line: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        nginx_parser()(line)


def test_envoy_writes_the_start_and_milliseconds() -> None:
    assert envoy_parser()(ENVOY) == CallRecord(ENDED + 0.25, 1.25, error=True)
    assert envoy_parser()(ISTIO) == CallRecord(ENDED + 0.25, 0.012)
    assert envoy_parser()("") is None


def test_envoy_without_an_answer_is_a_failure() -> None:
    call = envoy_parser()(ENVOY.replace(" 503 UF ", " 0 DC "))
    assert call is not None
    assert call.error


def test_a_broken_line_of_envoy() -> None:
    with pytest.raises(ValueError, match="wanted Envoy's default format"):
        envoy_parser()(ENVOY[:40])


def test_uvicorn_where_date_and_duration_were_added() -> None:
    parse = uvicorn_parser()
    line = '2023-10-10 11:55:36.500+00:00 INFO: 127.0.0.1:5000 - "GET / HTTP/1.1" 500 ISE 250.0ms'
    assert parse(line) == CallRecord(ENDED + 0.25, 0.25, error=True)
    assert parse("INFO:     Application startup complete.") is None
    with pytest.raises(ValueError, match="found no date in this line"):
        parse('INFO:     127.0.0.1:5000 - "GET / HTTP/1.1" 200 OK')
    with pytest.raises(ValueError, match="found no duration in this line"):
        parse(line.removesuffix(" 250.0ms"))


def test_each_is_taken_for_itself_only() -> None:
    uvicorn = 'INFO:     127.0.0.1:5000 - "GET / HTTP/1.1" 200 OK'
    tests = (is_nginx, is_envoy, is_uvicorn)
    assert [test(COMBINED) for test in tests] == [True, False, False]
    assert [test(ENVOY) for test in tests] == [False, True, False]
    assert [test(uvicorn) for test in tests] == [False, False, True]
