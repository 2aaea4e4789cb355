from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import typer

from breakerd.api.cli.client import AdminClient

Serve = Callable[[int, bytes], str]


class Answering(BaseHTTPRequestHandler):
    """Answers each request as its server was told to, and keeps what was asked."""

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Stub)
        server.asked = self.path, self.headers.get("Authorization")
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(server.body)))
        if server.status == 307:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


class Stub(ThreadingHTTPServer):
    asked: tuple[str, str | None] = ("", None)
    status = 200
    body = b""


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def client(stub: Stub, token: str | None = None) -> AdminClient:
    return AdminClient(f"http://127.0.0.1:{stub.server_port}/", token)


def test_it_asks_below_the_breakers_path_with_its_token(stub: Stub) -> None:
    stub.body = json.dumps({"state": "OPEN"}).encode()
    assert client(stub, "secret").get("a/b", "status") == {"state": "OPEN"}
    assert stub.asked == ("/breakers/a%2Fb/status", "Bearer secret")


def test_without_a_token_it_sends_none(stub: Stub) -> None:
    stub.body = b"{}"
    client(stub).get("default", "status")
    assert stub.asked[1] is None


@pytest.mark.parametrize("body", [b"<html>", b"[]", b""])
def test_another_server(stub: Stub, body: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    stub.body = body
    with pytest.raises(typer.Exit) as ended:
        client(stub).get("default", "status")
    assert ended.value.exit_code == 1
    assert "answers 200 without JSON; it is not breakerd" in capsys.readouterr().err


@pytest.mark.parametrize(("status", "code"), [(400, 2), (422, 2), (409, 1), (500, 1)])
def test_a_problem_is_told_by_its_detail(
    stub: Stub, status: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.status, stub.body = status, json.dumps({"detail": "it is so [because]"}).encode()
    with pytest.raises(typer.Exit) as ended:
        client(stub).get("default", "status")
    assert ended.value.exit_code == code
    assert capsys.readouterr().err == "breakerd: it is so [because]\n"


def test_a_token_that_no_header_can_hold(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        client(stub, "two\nlines").get("default", "status")
    assert ended.value.exit_code == 2
    assert "characters that are not allowed" in (said := capsys.readouterr().err)
    assert "lines" not in said


def test_a_token_is_sent_as_the_service_reads_it(stub: Stub) -> None:
    stub.body = b"{}"
    client(stub, " tökén€\n").get("default", "status")
    sent = stub.asked[1]
    assert sent is not None
    assert sent.encode("latin-1").decode() == "Bearer tökén€"


@pytest.mark.parametrize(
    "url", ["http://me:pass@127.0.0.1:{}", "ftp://me:pass@x", "http://me:pass@x:y"]
)
def test_a_password_in_the_url_is_not_shown(
    stub: Stub, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        AdminClient(url.format(stub.server_port), None).get("default", "status")
    assert "//********@" in (said := capsys.readouterr().err)
    assert "pass" not in said
