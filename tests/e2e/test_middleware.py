"""The middleware around real servers: uvicorn as a process, wsgiref in a thread."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.validate import validator

import httpx
import pytest

from breakerd import Breaker, Settings, current_priority
from breakerd.breaker.integrations.wsgi import BreakerMiddleware
from tests.support.warnings_as_errors import PYTHON_OPTIONS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ROOT = Path(__file__).resolve().parents[2]


def assert_problem(response: httpx.Response, status: int, kind: str) -> None:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    document = response.json()
    assert document["type"] == f"urn:breakerd:problem:{kind}"
    assert document["status"] == status
    assert document["instance"] == response.request.url.raw_path.decode()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, *PYTHON_OPTIONS, "-m", "tests.support.guarded_app"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        yield process.stdout.readline().strip()
        process.terminate()
        assert process.wait(30) == -signal.SIGTERM


class TestAsgi:
    @pytest.fixture
    def http(self, url: str) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=url, timeout=60) as client:
            client.post("/inside/prepare").raise_for_status()
            yield client
            client.post("/inside/release").raise_for_status()

    @pytest.fixture
    def counted(self, http: httpx.Client) -> Callable[..., tuple[int, int, int]]:
        """Successes, errors and calls in flight since the test began."""

        def ask(name: str, query: str = "") -> tuple[int, int, int]:
            found = http.get(f"/inside/counters/{name}{query}").json()
            return found["success"], found["error"], found["in_flight"]

        before = {name: ask(name) for name in ("guarded", "timed")}

        def count(name: str = "guarded", query: str = "") -> tuple[int, int, int]:
            now, then = ask(name, query), before[name]
            return now[0] - then[0], now[1] - then[1], now[2]

        return count

    def test_a_good_answer(
        self, http: httpx.Client, counted: Callable[..., tuple[int, int, int]]
    ) -> None:
        assert http.get("/guarded/ok").text == "ok"
        assert http.get("/guarded/nothing-here").status_code == 404
        assert counted() == (2, 0, 0)

    @pytest.mark.parametrize("path", ["/guarded/fail", "/guarded/crash"])
    def test_500_and_exceptions_are_errors(
        self, http: httpx.Client, counted: Callable[..., tuple[int, int, int]], path: str
    ) -> None:
        assert http.get(path).status_code == 500
        assert counted() == (0, 1, 0)

    def test_rejected_it_says_when_to_come_again(self, http: httpx.Client) -> None:
        retry_after = http.post("/inside/trip/guarded").json()["retry_after"]
        response = http.get("/guarded/ok")
        assert_problem(response, 503, "rejected")
        assert response.json()["reason"] == "manual"
        assert retry_after > 3590
        assert int(response.headers["retry-after"]) in {
            math.ceil(retry_after), math.ceil(retry_after) - 1,
        }  # fmt: skip
        assert http.get("/guarded/healthz").text == "ok"

    @pytest.mark.parametrize(
        ("header", "found"),
        [
            ("sheddable", "SHEDDABLE"),
            ("Critical-Plus", "CRITICAL_PLUS"),
            ("1", "SHEDDABLE_PLUS"),
            ("u=7, i", "SHEDDABLE"),
            ("rubbish", "CRITICAL"),
        ],
    )
    def test_priority_comes_from_the_header(
        self, http: httpx.Client, header: str, found: str
    ) -> None:
        assert http.get("/guarded/priority", headers={"x-priority": header}).text == found

    def test_a_stream_ends_with_its_last_byte(
        self, http: httpx.Client, counted: Callable[..., tuple[int, int, int]]
    ) -> None:
        with http.stream("GET", "/guarded/stream") as response:
            chunks = response.iter_bytes()
            assert next(chunks) == b"first"
            assert counted(query="?now") == (0, 0, 1)
            http.post("/inside/release")
            assert b"".join(chunks) == b"last"
        assert counted() == (1, 0, 0)

    def test_work_after_the_last_byte_is_no_part_of_it(
        self, http: httpx.Client, counted: Callable[..., tuple[int, int, int]]
    ) -> None:
        assert http.get("/guarded/afterwards").text == "ok"
        assert counted() == (1, 0, 0)

    def test_a_client_that_goes_away_is_no_error(
        self, http: httpx.Client, counted: Callable[..., tuple[int, int, int]]
    ) -> None:
        before = http.get("/inside/counters/guarded").json()["abandoned"]
        with http.stream("GET", "/guarded/stream") as response:
            assert next(response.iter_bytes()) == b"first"
        assert counted() == (0, 0, 0)
        assert http.get("/inside/counters/guarded").json()["abandoned"] == before + 1

    @pytest.mark.parametrize("path", ["/timed/hang", "/timed/thread"])
    def test_time_out(
        self, http: httpx.Client, counted: Callable[..., tuple[int, int, int]], path: str
    ) -> None:
        assert_problem(http.get(path), 504, "timed-out")
        assert counted("timed") == (0, 1, 0)

    def test_time_out_in_the_middle_of_an_answer_cuts_the_connection(
        self, http: httpx.Client, counted: Callable[..., tuple[int, int, int]]
    ) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            http.get("/timed/stream")
        assert counted("timed") == (0, 1, 0)


class ThreadingServer(ThreadingMixIn, WSGIServer):
    """A thread for each request, as the test looks while one is answered."""


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
        pass


class TestWsgi:
    @pytest.fixture
    def breaker(self) -> Breaker:
        return Breaker(Settings(minimum_calls=1000, wait_time=3600), memory=lambda: None)

    @pytest.fixture
    def gate(self) -> threading.Event:
        return threading.Event()

    @pytest.fixture
    def http(self, breaker: Breaker, gate: threading.Event) -> Iterator[httpx.Client]:
        def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            def stream() -> Iterator[bytes]:
                yield b"first"
                gate.wait()
                yield b"last"

            path = environ["PATH_INFO"]
            if path == "/crash":
                raise RuntimeError("on purpose")
            status = "500 Internal Server Error" if path == "/fail" else "200 OK"
            start_response(status, [("Content-Type", "text/plain")])
            return stream() if path == "/stream" else [current_priority().name.encode()]

        guarded = validator(BreakerMiddleware(app, breaker, priority="X-Priority"))
        with make_server("127.0.0.1", 0, guarded, ThreadingServer, QuietHandler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}") as client:
                yield client
            gate.set()
            server.shutdown()
            thread.join()

    def totals(self, breaker: Breaker) -> tuple[int, int]:
        """Successes and errors, once no call is in flight."""
        while breaker.in_flight:
            threading.Event().wait(0.01)
        return breaker.counters().success, breaker.counters().error

    def test_a_good_answer(self, http: httpx.Client, breaker: Breaker) -> None:
        assert http.get("/", headers={"x-priority": "sheddable"}).text == "SHEDDABLE"
        assert http.get("/").text == "CRITICAL"
        assert self.totals(breaker) == (2, 0)

    @pytest.mark.parametrize("path", ["/fail", "/crash"])
    def test_500_and_exceptions_are_errors(
        self, http: httpx.Client, breaker: Breaker, path: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        assert http.get(path).status_code == 500
        assert self.totals(breaker) == (0, 1)
        assert ("on purpose" in capfd.readouterr().err) == (path == "/crash")

    def test_rejected_it_says_when_to_come_again(
        self, http: httpx.Client, breaker: Breaker
    ) -> None:
        breaker.trip()
        response = http.get("/some%20where")
        assert_problem(response, 503, "rejected")
        assert 3590 < int(response.headers["retry-after"]) <= 3960
        assert http.get("/healthz").status_code == 200

    def test_a_stream_ends_with_its_last_byte(
        self, http: httpx.Client, breaker: Breaker, gate: threading.Event
    ) -> None:
        with http.stream("GET", "/stream") as response:
            chunks = response.iter_bytes()
            assert next(chunks) == b"first"
            assert breaker.in_flight == 1
            gate.set()
            assert b"".join(chunks) == b"last"
        assert self.totals(breaker) == (1, 0)
