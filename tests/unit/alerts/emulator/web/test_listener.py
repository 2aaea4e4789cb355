"""Connections to the emulator."""

from __future__ import annotations

import http.client
import socket
import time

import httpx
import pytest

from breakerd.alerts.emulator import Emulator


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", ""])
def test_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(ValueError, match="allowed is a loopback address"):
        Emulator(host=host)


def test_localhost_is_a_name_for_loopback() -> None:
    with Emulator(host="localhost") as emulator:
        assert emulator.url.startswith("http://127.0.0.1:")


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_loopback_has_an_address_of_version_six() -> None:
    try:
        emulator = Emulator(host="::1")
    except OSError:
        pytest.skip("IPv6 has no loopback here")
    with emulator:
        assert httpx.get(emulator.url).status_code == 200


def test_a_port_in_use_is_an_error(opsgenie_emulator: Emulator) -> None:
    port = int(opsgenie_emulator.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Emulator(port=port)


def test_a_connection_serves_many_requests(opsgenie_emulator: Emulator) -> None:
    connection = http.client.HTTPConnection(opsgenie_emulator.url.removeprefix("http://"))
    connection.connect()
    local = connection.sock.getsockname()
    for _ in range(3):
        connection.request("GET", "/emulator/faults")
        connection.getresponse().read()
        assert connection.sock.getsockname() == local
    connection.close()


def test_stopping_ends_connections_and_held_answers() -> None:
    emulator = Emulator(delay=0.0).start()
    emulator.fail("slow", delay=3600)
    host, port = emulator.url.removeprefix("http://").split(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as idle,
        socket.create_connection((host, int(port)), timeout=10) as held,
    ):
        idle.sendall(b"GET /emulator/faults HTTP/1.1\r\n\r\n")
        assert idle.recv(65_536).startswith(b"HTTP/1.1 200")
        held.sendall(
            b"POST /v2/alerts HTTP/1.1\r\nAuthorization: GenieKey k\r\nContent-Length: 15\r\n\r\n"
            b'{"message":"m"}'
        )
        assert emulator.wait_for(emulator.alerts)
        started = time.monotonic()
        emulator.stop()
        assert time.monotonic() - started < 4
        assert idle.recv(1) == b""
        assert held.recv(1) == b""
    assert len(emulator.alerts()) == 1, "what it holds can still be asked for"


def test_stopping_twice_or_before_the_start_is_harmless() -> None:
    Emulator().stop()
    emulator = Emulator().start()
    emulator.stop()
    emulator.stop()


def exchange(emulator: Emulator, raw: bytes) -> bytes:
    """Sends bytes, and reads until the emulator ends the connection."""
    host, port = emulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(raw)
        received = b""
        while more := connection.recv(65_536):
            received += more
    return received


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"Content-Length: many", b"400"),
        (b"Content-Length: -1", b"400"),
        (b"Content-Length: 1000001", b"413"),
        (b"Transfer-Encoding: chunked", b"411"),
    ],
)
def test_a_body_that_cannot_be_read_ends_the_connection(
    opsgenie_emulator: Emulator, header: bytes, status: bytes
) -> None:
    head = b"POST /v2/alerts HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n"
    received = exchange(opsgenie_emulator, head)
    assert received.startswith(b"HTTP/1.1 " + status)
    assert b"requestId" in received
    assert opsgenie_emulator.requests == []


def test_a_client_that_leaves_in_the_middle_is_no_request(opsgenie_emulator: Emulator) -> None:
    host, port = opsgenie_emulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b'POST /v2/alerts HTTP/1.1\r\nContent-Length: 99\r\n\r\n{"mess')
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert opsgenie_emulator.requests == []
