"""Connections of a process that forks: none of them survives in the child."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from breakerd.alerts.receivers.http import HttpClient
from tests.support.forking import in_child, sockets
from tests.support.polling import until

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def test_a_child_has_none_of_the_connections_of_its_parent(listener: socket.socket) -> None:
    before = set(sockets())
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with closing(HttpClient(timeout=30)) as client:
        client.keep_ready(url)
        until(lambda: len(set(sockets()) - before) == 4)
        accepted = answer(listener, client, url)
        theirs = Path(f"/proc/self/fd/{accepted.fileno()}")
        ours = set(sockets()) - before - {str(theirs.readlink())}
        assert len(ours) == 5, "four spare ones, and the connection"
        left = in_child(sockets)
        assert not ours & set(left)
        assert set(sockets()) >= ours, "the parent keeps them"
        with accepted:
            answer(listener, client, url, accepted)


def test_a_child_that_still_has_the_client_closes_no_other_file(listener: socket.socket) -> None:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with closing(HttpClient(timeout=30)) as client:
        accepted = answer(listener, client, url)

        def look() -> bool:
            with socket.socket() as own:
                client.close()
                client.after_fork()
                return os.fstat(own.fileno()).st_size == 0

        with accepted:
            assert in_child(look)


def answer(
    listener: socket.socket, client: HttpClient, url: str, accepted: socket.socket | None = None
) -> socket.socket:
    """Answer one request, by a new connection or by `accepted`; return the server's end of it."""
    done = threading.Thread(target=client.request, args=("GET", url))
    done.start()
    accepted = accepted or listener.accept()[0]
    assert accepted.recv(10_000)
    accepted.sendall(ANSWER)
    done.join(30)
    return accepted
