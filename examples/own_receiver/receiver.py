"""A receiver of alerts of your own: an HTTP server that checks who sent an alert, and prints it.

Run it with a key that you make up, and the service with the same key in another terminal:

    export BREAKERD_WEBHOOK_MINE_KEY=some-long-key
    python examples/own_receiver/receiver.py 8082

    export BREAKERD_WEBHOOK_MINE_KEY=some-long-key
    export BREAKERD_WEBHOOK_MINE_URL=http://127.0.0.1:8082/
    breakerd serve --config examples/own_receiver/breakers.toml

`breakerd trip` then opens an alert, and `breakerd reset` closes it. Every request that is answered
with 2xx counts as delivered; any other answer is retried with growing pauses.
"""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from pydantic import SecretStr

from breakerd.alerts.receivers.webhook import SIGNATURE, verify

KEY = SecretStr(os.environ["BREAKERD_WEBHOOK_MINE_KEY"])


class Handler(BaseHTTPRequestHandler):
    """Takes one step of an alert a request: create, priority, note or close."""

    done: set[str] = set()  # noqa: RUF012 - shared by all requests on purpose

    def do_POST(self) -> None:
        """Refuse what was not signed with the key; print the rest, each step once."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not verify(KEY, body, self.headers.get(SIGNATURE, ""), time.time()):
            self.send_error(401)
            return
        step = self.headers["Idempotency-Key"]  # the same when a step is sent again
        if step not in self.done:
            alert = json.loads(body)
            print(alert["event"], alert["priority"], alert["message"], flush=True)
            self.done.add(step)
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
