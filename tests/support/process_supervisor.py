"""A process that has loaded everything, and forks the embedded service as often as it is asked.

To start Python and load it all takes half a second of a core, two hundred times over for the tests
that kill. What is forked is a process of its own, which a signal ends like any other.

It is asked over a socket, whose file descriptor is its argument, by the arguments as JSON and three
pipes, for standard input, output and errors; it answers with the process's id.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys

from tests.support import embedded_host as embedded


def main() -> None:
    # The system buries its children.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        pipes = serve(asked)
    if not pipes:
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for standard, pipe in enumerate(pipes):
        os.dup2(pipe, standard)
        os.close(pipe)
    embedded.main()


def serve(asked: socket.socket) -> list[int]:
    """Forks until nobody asks any more; returns the pipes in each child, and none in the end."""
    while True:
        request, pipes, _, _ = socket.recv_fds(asked, 65_536, 3)
        if not request:
            return []
        child = os.fork()
        if child == 0:
            sys.argv[1:] = json.loads(request)
            return pipes
        for pipe in pipes:
            os.close(pipe)
        asked.sendall(str(child).encode())


if __name__ == "__main__":
    main()
