"""The proxy of the tests breaks a network as it says."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.support.tcp_proxy import TcpProxy


@pytest.fixture
def echo() -> Iterator[int]:
    """Port of a server that answers what it is sent."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def answer(asked: socket.socket) -> None:
        with asked, suppress(OSError):
            while data := asked.recv(100):
                asked.sendall(data)

    def serve() -> None:
        while True:
            try:
                asked, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=answer, args=(asked,)))
            threads[-1].start()

    serving = threading.Thread(target=serve)
    serving.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    serving.join()
    for thread in threads:
        thread.join()


@pytest.fixture
def proxy(echo: int) -> Iterator[TcpProxy]:
    with TcpProxy(echo) as made:
        yield made


def connected(proxy: TcpProxy, timeout: float = 30) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout)


def asked(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(100)


def test_what_is_cut_is_reset_and_so_is_each_new_connection(proxy: TcpProxy) -> None:
    with connected(proxy) as before:
        assert asked(before, b"a") == b"a"
        with proxy.cut():
            with pytest.raises(ConnectionError):
                before.recv(1)
            with pytest.raises(ConnectionError), connected(proxy) as during:
                during.recv(1)
    with connected(proxy) as after:
        assert asked(after, b"b") == b"b"


def test_nothing_arrives_in_silence_and_all_of_it_afterwards(proxy: TcpProxy) -> None:
    with connected(proxy) as before, connected(proxy) as given_up:
        assert asked(before, b"a") == b"a"
        with proxy.silent():
            before.sendall(b"b")
            before.settimeout(0.1)
            with pytest.raises(TimeoutError):
                before.recv(1)
            given_up.sendall(b"c")
            with pytest.raises(TimeoutError):
                connected(proxy, 0.2)
        before.settimeout(30)
        assert before.recv(1) == b"b"
        assert given_up.recv(1) == b"c"
    with connected(proxy) as after:
        assert asked(after, b"d") == b"d"


def test_an_answer_takes_twice_the_delay(proxy: TcpProxy) -> None:
    with connected(proxy) as connection, proxy.delayed(0.1):
        began = time.monotonic()
        assert asked(connection, b"a") == b"a"
        assert time.monotonic() - began >= 0.2


def test_the_end_of_one_side_ends_the_other(proxy: TcpProxy) -> None:
    with connected(proxy) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


def test_nobody_behind_it_is_a_reset() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with (
            TcpProxy(held.getsockname()[1]) as proxy,
            pytest.raises(ConnectionError),  # at once, or as soon as it is used
            connected(proxy) as connection,
        ):
            connection.recv(1)
