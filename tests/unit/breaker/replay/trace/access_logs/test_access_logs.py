from __future__ import annotations

import pytest

from breakerd.breaker.replay import CallRecord
from breakerd.breaker.replay.trace.access_logs.alb import is_alb, parse_alb
from breakerd.breaker.replay.trace.access_logs.combined import (
    combined_parser,
    inspect,
    is_combined,
)
from breakerd.breaker.replay.trace.access_logs.durations import find_field
from breakerd.breaker.replay.trace.access_logs.envoy import is_envoy, parse_envoy
from breakerd.breaker.replay.trace.access_logs.haproxy import is_haproxy, parse_haproxy
from breakerd.breaker.replay.trace.access_logs.lines import MAX_LINE_LENGTH, LineParser, bounded
from breakerd.breaker.replay.trace.access_logs.uvicorn import is_uvicorn, uvicorn_parser
from breakerd.breaker.replay.trace.hints import NO_HINTS, Hints, TimeIs, Unit
from breakerd.breaker.replay.trace.record import NoCall
from breakerd.breaker.replay.trace.units import UnitSource

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


HAPROXY = (
    "Feb  6 12:14:14 localhost haproxy[14389]: 10.0.1.2:33317 [10/Oct/2023:11:55:36.250] http-in "
    'static/srv1 10/0/30/69/1250 503 2750 - - ---- 1/1/1/1/0 0/0 {a.org} {} "GET /a HTTP/1.1"'
)
ALB = (
    "h2 2023-10-10T11:55:37.500000Z app/lb/50dc 192.0.2.7:2817 10.0.0.1:80 0.001 1.248 0.001 503 "
    '503 34 366 "GET https://example.org:443/a HTTP/2.0" "curl/8" ECDHE TLSv1.2 arn:aws:tg '
    '"Root=1-58" "example.org" "arn:aws:acm" 1 2023-10-10T11:55:36.250000Z "forward" "-" "-"'
)


def parser(line: str, hints: Hints = NO_HINTS) -> LineParser:
    return combined_parser(inspect([line], hints))


@pytest.mark.parametrize(
    ("rest", "seconds"),
    [
        (" rt=0.250", 0.25),
        (" rt=1.000", 1.0),
        (' rt="0.250" uct="0.001" urt="0.240"', 0.25),
        (" request_time=1.5 upstream_response_time=1.4", 1.5),
        (" upstream_response_time=0.100, 0.200 : 0.050", 0.35),
        (' "-" urt=0.125', 0.125),
        (" 0.250 0.240 .", 0.25),
        (' "203.0.113.9" "0.250"', 0.25),
        (" 512 0.080 [shop-80] [] 10.4.5.6:8080 1234 0.079 200 3f1c", 0.08),
        (" 0.065000", 0.065),
        (" 0.065000s", 0.065),
        (" 65ms", 0.065),
        (" 65.125 ms", 0.065125),
        (" duration_ms=65", 0.065),
        (" took=1.5s", 1.5),
        (' 12 "shop@docker" "http://10.0.0.1:80" 65ms', 0.065),
        (" request_time=65000", 0.065),
        (" 65000", 0.065),
    ],
)
def test_where_a_log_has_the_duration(rest: str, seconds: float) -> None:
    assert find_field([rest]).read(rest) == pytest.approx(seconds)
    assert is_combined(COMBINED + rest)


@pytest.mark.parametrize("rest", [" rt=- urt=-", "", ' "10.0.0.1"', " 1788000000.016"])
def test_where_a_log_has_none(rest: str) -> None:
    with pytest.raises(ValueError, match=r"has no duration; add one: .*%D.*%\(L\)s.*response-time"):
        find_field([rest])


def test_numbers_of_which_none_is_known_to_be_the_duration() -> None:
    with pytest.raises(ValueError, match="several numbers after the combined format"):
        find_field([" 512 65000"])


@pytest.mark.parametrize("rests", [[" 65", " 57"], [" 0", " 1"], [" rt=65", " rt=57"]])
def test_whole_numbers_whose_unit_cannot_be_known(rests: list[str]) -> None:
    with pytest.raises(ValueError, match=r"found whole numbers \(\d+, \d+\) in .*: --unit s\|ms"):
        find_field(rests)
    field = find_field(rests, Unit.MS)
    assert field.read(" 65" if "=" not in rests[0] else " rt=65") == 0.065
    assert (field.source, field.note) == (UnitSource.STATED, "")


def test_a_stated_unit_is_not_that_of_numbers_with_their_own() -> None:
    assert find_field([" 65ms"], Unit.S).read(" 65ms") == 0.065
    assert find_field([" rt=65.5"], Unit.MS).read(" rt=65.5") == pytest.approx(0.0655)


def test_whole_microseconds_are_an_assumption() -> None:
    field = find_field([" request_time=65000", " request_time=57000"])
    assert field.source is UnitSource.ASSUMED
    assert field.note.startswith("'request_time' holds whole numbers (65000, 57000 …)")
    form = inspect([f"{COMBINED} 65000"], NO_HINTS)
    assert form.time_is is TimeIs.END
    assert "--time-is start" in form.notes[1]
    assert inspect([f"{COMBINED} 65000"], Hints(time_is=TimeIs.START)).time_is is TimeIs.START


def test_nginx_writes_at_the_end() -> None:
    parse = parser(f"{COMBINED} rt=0.250")
    assert parse(f"{COMBINED} rt=0.250") == CallRecord(ENDED - 0.25, 0.25, error=True)
    given_up = f"{COMBINED} rt=1.000".replace(" 502 ", " 499 ")
    assert parse(given_up) == CallRecord(ENDED - 1, 1, abandoned=True)
    assert parse("") is None


def test_traefik_writes_the_start() -> None:
    line = f'{COMBINED} 12 "shop@docker" "http://10.0.0.1:80" 250ms'
    assert parser(line)(line) == CallRecord(ENDED, 0.25, error=True)


def test_the_order_of_the_lines_shows_starts() -> None:
    def line(second: int, seconds: float) -> str:
        return f"{COMBINED} {seconds * 1e6:.0f}".replace(":13:55:36 ", f":13:55:{second:02} ")

    # The call of 20 s is written after those that began after it.
    lines = [line(10, 0.1), line(25, 0.1), line(6, 20), line(30, 0.1)]
    form = inspect(lines, NO_HINTS)
    assert (form.time_is, len(form.notes)) == (TimeIs.START, 1)


def test_nginx_with_other_dates_and_the_common_format() -> None:
    line = '::1 - - [2023-10-10T13:55:36+02:00] "GET / HTTP/2.0" 200 5 0.125'
    assert parser(line)(line) == CallRecord(ENDED - 0.125, 0.125)


def test_a_zone_by_name() -> None:
    line = f"{COMBINED} rt=0.250".replace("+0200", "CEST")
    assert parser(line)(line) == CallRecord(ENDED - 0.25, 0.25, error=True)
    unknown = inspect([line.replace("CEST", "XYZT")], NO_HINTS)
    assert unknown.notes == ("the time zone 'XYZT' is unknown: taken as UTC",)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (COMBINED, "no duration in this line"),
        (f"{COMBINED} rt=1.000".replace("Oct", "Okt"), "as a time"),
        (COMBINED[:60], "wanted the combined format"),
    ],
)
def test_broken_lines_of_nginx(line: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parser(f"{COMBINED} rt=0.250")(line)


@pytest.mark.parametrize(
    "line", ["kernel: oops", "2026/08/29 10:40:00 [notice] 1#1: start worker processes"]
)
def test_other_lines_among_those_of_a_log(line: str) -> None:
    parse = (
        parser(f"{COMBINED} rt=0.250"),
        parse_envoy,
        uvicorn_parser(),
        parse_haproxy,
        parse_alb,
    )
    assert [each(line) for each in parse] == [NoCall.OTHER] * 5


def test_haproxy_writes_the_start_and_milliseconds() -> None:
    assert parse_haproxy(HAPROXY) == CallRecord(ENDED + 0.25, 1.25, error=True)
    ok = HAPROXY.replace(" 503 ", " 200 ")
    assert parse_haproxy(ok) == CallRecord(ENDED + 0.25, 1.25)
    aborted = HAPROXY.replace(" 503 ", " -1 ").replace(" ---- ", " CH-- ").replace("/69/", "/-1/")
    assert parse_haproxy(aborted) == CallRecord(ENDED + 0.25, 1.25, abandoned=True)
    assert parse_haproxy(aborted.replace(" CH-- ", " SH-- ")) == CallRecord(
        ENDED + 0.25, 1.25, error=True
    )


def test_a_load_balancer_writes_the_end_and_three_parts() -> None:
    call = parse_alb(ALB)
    assert call == (pytest.approx(ENDED + 0.25), pytest.approx(1.25), True, None, False, 1)
    given_up = parse_alb(ALB.replace(" 503 503 ", " 460 - "))
    assert isinstance(given_up, CallRecord)
    assert given_up.abandoned
    # A target that does not answer has no time, and the others say nothing.
    silent = parse_alb(ALB.replace(" 0.001 1.248 0.001 503 503 ", " 0.001 -1 -1 504 - "))
    assert silent == (pytest.approx(ENDED + 0.25), pytest.approx(1.25), True, None, False, 1)


def test_a_line_longer_than_any_log_has_is_broken() -> None:
    with pytest.raises(ValueError, match="characters"):
        bounded(parse_envoy)("x" * (MAX_LINE_LENGTH + 1))
    assert bounded(parse_envoy)(ENVOY) == parse_envoy(ENVOY)


def test_envoy_writes_the_start_and_milliseconds() -> None:
    assert parse_envoy(ENVOY) == CallRecord(ENDED + 0.25, 1.25, error=True)
    assert parse_envoy(ISTIO) == CallRecord(ENDED + 0.25, 0.012)
    assert parse_envoy("") is None


def test_envoy_without_an_answer_is_a_failure_unless_the_caller_left() -> None:
    start = ENDED + 0.25
    assert parse_envoy(ENVOY.replace(" 503 UF ", " 0 UF ")) == CallRecord(start, 1.25, error=True)
    assert parse_envoy(ENVOY.replace(" 503 UF ", " 0 DC ")) == CallRecord(
        start, 1.25, abandoned=True
    )


def test_a_broken_line_of_envoy() -> None:
    with pytest.raises(ValueError, match="wanted Envoy's default format"):
        parse_envoy(ENVOY[:40])


def test_uvicorn_where_date_and_duration_were_added() -> None:
    parse = uvicorn_parser()
    line = '2023-10-10 11:55:36.500+00:00 INFO: 127.0.0.1:5000 - "GET / HTTP/1.1" 500 ISE 250.0ms'
    assert parse(line) == CallRecord(ENDED + 0.25, 0.25, error=True)
    assert parse("INFO:     Application startup complete.") is NoCall.OTHER
    with pytest.raises(ValueError, match="found no date in this line"):
        parse('INFO:     127.0.0.1:5000 - "GET / HTTP/1.1" 200 OK')
    with pytest.raises(ValueError, match="found no duration in this line"):
        parse(line.removesuffix(" 250.0ms"))


def test_each_is_taken_for_itself_only() -> None:
    uvicorn = 'INFO:     127.0.0.1:5000 - "GET / HTTP/1.1" 200 OK'
    lines = (COMBINED, ENVOY, uvicorn, HAPROXY, ALB)
    tests = (is_combined, is_envoy, is_uvicorn, is_haproxy, is_alb)
    assert [[test(line) for test in tests] for line in lines] == [
        [place == own for place in range(5)] for own in range(5)
    ]
