"""Connections by spare sockets, where no new socket can be made."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import httpcore
import httpx
import pytest

from breakerd.alerts.receivers import UnavailableError
from breakerd.alerts.receivers.connection.spare_backend import use_spares
from breakerd.alerts.receivers.connection.spare_sockets import Address, SpareSockets, exhausted
from breakerd.alerts.receivers.http import HttpClient
from tests.support.webhook_receiver import RecordingServer, Reply


def fail(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


@pytest.fixture
def client() -> Iterator[HttpClient]:
    made = HttpClient(timeout=10)
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with RecordingServer() as made:
        yield made


def test_a_request_leaves_without_a_new_descriptor(
    client: HttpClient, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.keep_ready(server.url)
    monkeypatch.setattr(socket, "create_connection", fail)
    server.answer = lambda request: Reply(body={"echo": request.json["page"]})
    for number in range(3):
        answer = client.request("POST", server.url, json={"page": number})
        assert answer.json() == {"echo": number}
    assert len(server.requests) == 3


def test_one_that_nothing_was_kept_for_fails_as_before(
    client: HttpClient, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.keep_ready("http://127.0.0.1:1/elsewhere")
    monkeypatch.setattr(socket, "create_connection", fail)
    with pytest.raises(UnavailableError) as caught:
        client.request("GET", server.url)
    assert not caught.value.maybe_applied


def test_a_receiver_that_is_down_uses_up_no_spare(
    client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    client.keep_ready(url)
    taken: list[object] = []
    monkeypatch.setattr(SpareSockets, "take", lambda _: taken.append(1))
    with pytest.raises(UnavailableError):
        client.request("GET", url)
    assert taken == []


@pytest.mark.needs("openssl")
def test_an_encrypted_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-out", str(certificate), "-keyout", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    client = HttpClient(timeout=30)
    with RecordingServer(tls=tls) as server:
        client.keep_ready(server.url)
        monkeypatch.setattr(socket, "create_connection", fail)
        assert client.request("GET", server.url).status_code == 200
        assert client.request("GET", server.url).status_code == 200, "the connection is kept"
        client.close()


def test_a_proxy_of_the_environment_is_followed_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """And httpx has what the spares need: with another version of it, this fails."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    with httpx.Client() as client:
        assert use_spares(client, SpareSockets("127.0.0.1", 3128))
        pools = [client._transport, *client._mounts.values()]
        assert [type(vars(transport)["_pool"]) for transport in pools if transport] == [
            httpcore.ConnectionPool,
            httpcore.HTTPProxy,
        ]


def test_names_are_looked_up_while_that_is_possible() -> None:
    answers: list[list[Address]] = [[(socket.AF_INET, ("127.0.0.1", 80))]]

    def look_up(_host: str, _port: int) -> list[Address]:
        if not answers:
            raise socket.gaierror(socket.EAI_AGAIN, "no descriptor for the lookup")
        return answers.pop()

    spares = SpareSockets("receiver.example", 80, look_up)
    assert spares.take() is None
    for _ in range(2):
        spares.refill()
        spares._refresh()  # fails, and changes nothing
        taken = [spares.take() for _ in range(5)]
        assert [found is not None for found in taken] == [True] * 4 + [False]
        for found in filter(None, taken):
            found[0].close()
            assert found[1] == ("127.0.0.1", 80)
    spares.close()
    spares.refill()
    assert spares.take() is None, "closed"


def test_what_counts_as_exhausted(monkeypatch: pytest.MonkeyPatch) -> None:
    error = httpcore.ConnectError("connection refused")
    assert not exhausted(error)
    error.__cause__ = OSError(errno.EMFILE, "")
    assert exhausted(error)
    error.__cause__ = socket.gaierror(socket.EAI_AGAIN, "")
    assert not exhausted(error)
    monkeypatch.setattr(os, "dup", fail)
    assert exhausted(error)


@pytest.mark.parametrize("url", ["", "nonsense", "http://[", "ftp://a/"])
def test_what_is_no_address_is_left_to_the_request(client: HttpClient, url: str) -> None:
    client.keep_ready(url)
