from __future__ import annotations

import logging
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from breakerd.alerts.receivers import (
    InvalidRequestError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
)
from breakerd.alerts.receivers.base import DeliveryError
from breakerd.alerts.receivers.http import (
    HttpClient,
    NotFoundError,
    json_object,
    retry_after,
    url_secrets,
)
from tests.support.webhook_receiver import RecordingServer, Reply

HEAD = b"HTTP/1.1 200 OK\r\n"
SECRET = "T0000/B0000/hidden"


@pytest.fixture
def client() -> Iterator[HttpClient]:
    made = HttpClient(timeout=10, secrets=[SECRET])
    yield made
    made.close()


@pytest.mark.parametrize(
    ("status", "kind", "maybe_applied"),
    [
        (400, InvalidRequestError, False),
        (401, UnauthorizedError, False),
        (403, UnauthorizedError, False),
        (404, NotFoundError, False),
        (410, InvalidRequestError, False),
        (413, InvalidRequestError, False),
        (422, InvalidRequestError, False),
        (429, RateLimitedError, False),
        (302, UnavailableError, True),
        (500, UnavailableError, True),
        (503, UnavailableError, True),
    ],
)
def test_each_bad_status_is_a_kind_of_failure(
    server: RecordingServer,
    client: HttpClient,
    status: int,
    kind: type[DeliveryError],
    *,
    maybe_applied: bool,
) -> None:
    server.replies = [Reply(status, {"message": "no"}, {"Location": server.url})]
    with pytest.raises(kind) as failure:
        client.request("POST", server.url)
    assert type(failure.value) is kind
    assert failure.value.maybe_applied is maybe_applied
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({}, 60),
        ({"Retry-After": "30"}, 30),
        ({"X-RateLimit-Period-In-Sec": "90"}, 90),
        ({"Retry-After": "30", "X-RateLimit-Period-In-Sec": "90"}, 90),
        ({"Retry-After": "90", "X-RateLimit-Period-In-Sec": "30"}, 90),
        ({"Retry-After": "soon", "X-RateLimit-Period-In-Sec": "30"}, 30),
        ({"Retry-After": "nan"}, 60),
        ({"Retry-After": "inf"}, 3600),
        ({"Retry-After": "-5"}, 1),
        ({"Retry-After": "Fri, 01 Jan 2010 00:00:00 GMT"}, 1),
        ({"Retry-After": "Fri, 01 Jan 2010 00:00:00 -0000"}, 60),
    ],
)
def test_a_pause_is_the_longest_that_is_asked_for(headers: dict[str, str], pause: float) -> None:
    assert retry_after(httpx.Response(429, headers=headers)) == pause


def test_a_receiver_that_is_down_may_ask_for_a_pause(
    server: RecordingServer, client: HttpClient
) -> None:
    server.replies = [Reply(503, "", {"Retry-After": "120"})]
    with pytest.raises(RateLimitedError) as failure:
        client.request("POST", server.url)
    assert failure.value.seconds == 120
    assert failure.value.maybe_applied


def test_nobody_listening_took_nothing(client: HttpClient) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(UnavailableError) as failure:
            client.request("POST", f"http://127.0.0.1:{port}")
    assert not failure.value.maybe_applied
    assert not failure.value.slow


@pytest.mark.parametrize("url", ["http://[", "http://host:99999", "ftp://host", "hooks.slack.com"])
def test_an_address_that_is_none_is_not_shown(client: HttpClient, url: str) -> None:
    with pytest.raises(UnavailableError) as failure:
        client.request("POST", f"{url}/{SECRET}")
    assert SECRET not in str(failure.value)


def test_a_header_that_cannot_be_sent_is_not_shown(server: RecordingServer) -> None:
    client = HttpClient(10, {"Authorization": f"GenieKey {SECRET}\n"})
    with pytest.raises(UnavailableError) as failure:
        client.request("POST", server.url)
    assert SECRET not in str(failure.value)
    client.close()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(raw=b"", drips=b"H"),
        Reply(raw=HEAD, drips=b"X-More: 1\r\n"),
        Reply(raw=HEAD + b"\r\n", drips=b"."),
        Reply(raw=HEAD + b"Content-Length: 9999\r\n\r\n", drips=b"."),
        Reply(raw=HEAD + b"Transfer-Encoding: chunked\r\n\r\n", drips=b"1\r\n.\r\n"),
    ],
    ids=["status", "headers", "until closed", "length", "chunks"],
)
def test_a_receiver_that_drips_does_not_hold_up_for_longer_than_the_time_out(
    server: RecordingServer, reply: Reply
) -> None:
    client = HttpClient(timeout=0.3)
    server.replies = [reply]
    with pytest.raises(UnavailableError, match=r"no complete response within 0.3 s") as failure:
        client.request("POST", server.url)
    assert failure.value.maybe_applied
    assert failure.value.slow
    assert client.request("POST", server.url).status_code == 200
    client.close()


@pytest.mark.needs("openssl")
def test_an_encrypted_connection_is_cut_off_just_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2"]
    where = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *where, *files], check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with RecordingServer(tls=tls) as server:
        client = HttpClient(timeout=1)
        server.replies = [Reply(raw=HEAD, drips=b"X-More: 1\r\n")]
        with pytest.raises(UnavailableError, match=r"no complete response within 1 s"):
            client.request("POST", server.url)
        assert client.request("POST", server.url).status_code == 200
        client.close()


def test_a_connection_that_comes_too_late_is_not_used(server: RecordingServer) -> None:
    client = HttpClient(timeout=10)
    with client._deadline:
        client._deadline._expire()
        with pytest.raises(UnavailableError, match=r"no complete response within 10 s"):
            client._send("POST", server.url, {})
    client.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no HTTP at all\r\n\r\n",
        HEAD + b"Content-Length: 100\r\n\r\n{",
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        HEAD + b"Content-Length: 1000001\r\n\r\n" + b" " * 1_000_001,
    ],
    ids=["empty", "babble", "truncated", "garbled", "endless"],
)
def test_an_answer_that_breaks_off_may_mean_that_it_was_taken(
    server: RecordingServer, client: HttpClient, raw: bytes
) -> None:
    server.replies = [Reply(raw=raw)]
    with pytest.raises(UnavailableError) as failure:
        client.request("POST", server.url)
    assert failure.value.maybe_applied


@pytest.mark.parametrize(
    "body", ["", "{", "<html>", "[1]", "{}", '"requestId"', "[" * 100_000, '{"other": 1}']
)
def test_an_answer_without_what_is_needed_makes_no_sense(
    server: RecordingServer, client: HttpClient, body: str
) -> None:
    server.replies = [Reply(202, body)]
    with pytest.raises(UnavailableError, match="202"):
        json_object(client.request("POST", server.url), "requestId")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "Key is wrong"}, "422: Key is wrong"),
        ({"message": "invalid", "errors": ["no summary"]}, "422: invalid: no summary"),
        ({"errors": [{"title": "no such team", "code": "1"}]}, "422: no such team"),
        ({"errors": {"message": "x"}}, """422: '{"errors": {"message": "x"}}'"""),
        ("invalid_payload", "422: 'invalid_payload'"),
    ],
)
def test_what_the_receiver_says_is_told(
    server: RecordingServer, client: HttpClient, body: object, words: str
) -> None:
    server.replies = [Reply(422, body)]
    with pytest.raises(InvalidRequestError) as failure:
        client.request("POST", server.url)
    assert str(failure.value) == words


def test_a_secret_that_the_receiver_repeats_is_not_told(
    server: RecordingServer, client: HttpClient
) -> None:
    server.replies = [Reply(404, f"<p>/services/{SECRET} is not here</p>")]
    with pytest.raises(NotFoundError, match=r"/services/\*\*\* is not here"):
        client.request("POST", f"{server.url}/services/{SECRET}")


def test_what_is_secret_in_an_address() -> None:
    assert url_secrets("https://u:password@h.example/a/long/path?token=12345") == [
        "a/long/path", "token=12345", "password",
    ]  # fmt: skip
    assert url_secrets("https://h.example/hook") == []


def test_only_the_hosts_own_requests_are_in_its_log(
    server: RecordingServer, client: HttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "httpx"):
        client.request("POST", f"{server.url}/services/{SECRET}")
        httpx.get(f"{server.url}/own").raise_for_status()
    assert SECRET not in caplog.text
    assert "/own" in caplog.text
