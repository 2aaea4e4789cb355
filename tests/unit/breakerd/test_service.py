from __future__ import annotations

import socket

from breakerd.service import _listen


def test_a_small_answer_does_not_wait_for_the_clients_acknowledgement() -> None:
    with (
        _listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as connection,
    ):
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
