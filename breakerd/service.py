"""The service behind `breakerd serve`: a `Breakerd`, and a server for its admin plane."""

import os
import socket
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from breakerd.api import logging as service_logging
from breakerd.api.file_settings import read_file
from breakerd.api.process_signals import ExitLimit, hold_reloads
from breakerd.api.security.auth import Access
from breakerd.api.security.loopback import is_loopback
from breakerd.api.security.tokens import TOKEN_VARIABLE, Tokens
from breakerd.api.server import AdminServer, run_until_stopped
from breakerd.api.settings import ApiSettings
from breakerd.breaker.encoding.printable import printable
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.logging import get_logger
from breakerd.breakerd import Breakerd

_log = get_logger(__name__)

_STOP_LIMIT: Final = 15.0
"""Maximum seconds from SIGTERM to the end of the process: 6 for requests, 3 for alerting."""
_EXIT_LIMIT: Final = 3.0
"""Maximum seconds from the end of all parts to that of the process."""
_FLUSH_LIMIT: Final = 0.5
"""Maximum seconds that the end waits for a standard error that nobody reads."""


class Service:
    """Run one service: breakers, alerting, and the admin plane in front of them.

    Args:
        config: TOML file. None: built-in defaults; changes are lost when the service stops.
        host: address to listen on; overrides the file.
        port: port to listen on; overrides the file. 0 takes a free one.
        demo_endpoints: add a protected endpoint, and routes that make it slow or fail.
    """

    def __init__(
        self,
        config: Path | None,
        *,
        host: str | None = None,
        port: int | None = None,
        demo_endpoints: bool = False,
    ) -> None:
        self.url: str | None = None
        """URL that the service listens on; None until it listens."""
        self._config = config
        self._host = host
        self._port = port
        self._demo_endpoints = demo_endpoints
        self._access = Access(Tokens())
        self._exit_limit = ExitLimit(_log_forced_exit)

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; reload the file on SIGHUP.

        Print one line with the URL on the standard output once the service listens. To be called
        in the main thread, because of the signal handlers, and as the last thing that the process
        does: it ends seconds after this returns, whatever hangs in it.

        Returns:
            The exit code: 0 done, 1 failed, 2 wrong configuration.
        """
        hold_reloads()
        service_logging.configure()
        code = self._run()
        service_logging.flush(_FLUSH_LIMIT)
        self._exit_limit.set(_EXIT_LIMIT, code)
        return code

    def _run(self) -> int:
        try:
            settings = self._settings()
            with ExitStack() as stack:
                # Listen first: if another instance has the port, this one must not page anyone.
                listener = stack.enter_context(_listen(settings.host, settings.port))
                breakers = Breakerd(self._config, control_plane=True)
                app = breakers.admin_app(demo_endpoints=self._demo_endpoints)
                self._access = app.state.admin.access
                stack.enter_context(breakers)
                self.url = _url(listener)
                self._serve(app, listener)
            _log.info("stopped", url=self.url)
        except ConfigError as error:
            for problem in error.problems:
                print(printable(str(problem)), file=sys.stderr)  # noqa: T201 - for whoever started the service
            return 2
        except OSError as error:
            print(printable(f"breakerd cannot listen: {error}"), file=sys.stderr)  # noqa: T201 - as above
            return 1
        return 0

    def _settings(self) -> ApiSettings:
        """Check the whole file, and return `[api]` with the command line's host and port.

        Raises:
            ConfigError: every problem in the file; or the host is not loopback and no token is set.
        """
        settings = read_file(self._config).api if self._config else ApiSettings()
        changes = {"host": self._host, "port": self._port}
        settings = settings.model_copy(update={k: v for k, v in changes.items() if v is not None})
        if not Tokens.load(settings) and not is_loopback(settings.host):
            allowed = f"a loopback address, or a token in {TOKEN_VARIABLE}"
            raise ConfigError([ConfigProblem("settings", 0, "host", settings.host, allowed)])
        return settings

    def _serve(self, app: FastAPI, listener: socket.socket) -> None:
        def limit_stop() -> None:
            self._exit_limit.set(_STOP_LIMIT, 1)

        run_until_stopped(AdminServer(app, self._announce, limit_stop).serve([listener]))

    def _announce(self) -> None:
        """Print the URL, which programs wait for, from a thread: nobody may read the output."""
        lines = f"breakerd listening on {self.url}\n"
        # For a person only: whatever else reads the output may keep it.
        if sys.stdout.isatty() and (link := self._access.dashboard_link(str(self.url))):
            lines += f"dashboard {link}\n"
        arguments = (sys.stdout.fileno(), lines.encode())
        threading.Thread(
            target=os.write, args=arguments, name="breakerd-announce", daemon=True
        ).start()
        _log.info("listening", url=self.url, config=str(self._config or "built-in defaults"))


def _log_forced_exit() -> None:
    running = ", ".join(sorted(thread.name for thread in threading.enumerate()))
    _log.error("not everything ended in time: the process is ended", threads=running)
    service_logging.flush(_FLUSH_LIMIT)


def _listen(host: str, port: int) -> socket.socket:
    """Bind a socket now, so that no other process takes the port before the server starts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    # Accepted connections inherit the option. Without it, the body of a response waits up to 40 ms
    # for the client's delayed ACK of the head. asyncio sets it only on sockets that name their
    # protocol, which those of create_server do not.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
