"""One uvicorn process: `python -m benchmarks.services.asgi_server raw ours httptools`.

Prints its address when it listens.
"""

import socket
import sys

import uvicorn

from benchmarks.harness.child import end_with_parent
from benchmarks.services.asgi_apps import build


def main(application: str, middleware: str, parser: str) -> None:
    """Serve until terminated. `parser` is "httptools" or "h11"."""
    config = uvicorn.Config(
        build(application, middleware),
        http=parser,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
    )
    end_with_parent()
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        # As uvicorn does for its own sockets: no response waits for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
        uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
