"""The composition root of `breakerd serve`: builds, starts, reloads and stops everything."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvicorn
from fastapi import FastAPI

from breakerd.alerts.alerting import Alerting
from breakerd.alerts.settings.alerting import read_settings
from breakerd.api import logging as service_logging
from breakerd.api.app import create_app
from breakerd.api.config_file import read_file, read_section
from breakerd.api.http.admin import Admin
from breakerd.api.security.audit import AuditLog
from breakerd.api.security.auth import Access, is_loopback
from breakerd.api.security.tokens import TOKEN_VARIABLE, Tokens
from breakerd.api.settings import ApiSettings
from breakerd.breaker.autosave import StateAutosaver
from breakerd.breaker.config import Document
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.logging import get_logger
from breakerd.breaker.registry import Registry

if TYPE_CHECKING:
    from types import FrameType

_log = get_logger(__name__)

_PATIENCE: Final = 5
"""Seconds that requests get to end when the service stops."""


class Service:
    """One service: its breakers, its alerting, and the admin plane in front of them.

    Args:
        config: the TOML file; None for built-in defaults, which no change outlives.
        host: instead of the file's.
        port: instead of the file's; 0 takes a free one.
        demo_endpoints: adds a protected endpoint, and the ways to make it slow or fail.
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
        """Where it listens, once it does."""
        self._config = config
        self._host = host
        self._port = port
        self._demo_endpoints = demo_endpoints

    def run(self) -> int:
        """Serves until SIGTERM or SIGINT; SIGHUP reloads the file.

        Prints one line with its address on the standard output when it listens.

        Returns:
            The exit code: 0 done, 1 failed, 2 wrong configuration.
        """
        service_logging.configure()
        try:
            settings = self._settings()
            with ExitStack() as stack:
                # First of all: where another instance listens, this one must not page anyone.
                listener = stack.enter_context(_listen(settings.host, settings.port))
                app = self._build(settings, stack)
                self.url = _url(listener)
                self._serve(app, listener)
        except ConfigError as error:
            for problem in error.problems:
                print(problem, file=sys.stderr)  # noqa: T201 - the answer to who started it
            return 2
        except OSError as error:
            print(f"breakerd cannot listen: {error}", file=sys.stderr)  # noqa: T201 - as above
            return 1
        return 0

    def _settings(self) -> ApiSettings:
        """Those of `[api]`, after the whole file was found good; the command line wins.

        Raises:
            ConfigError: every problem in the file, or a host that only a token makes safe.
        """
        settings = read_file(self._config).api if self._config else ApiSettings()
        changes = {"host": self._host, "port": self._port}
        settings = settings.model_copy(update={k: v for k, v in changes.items() if v is not None})
        if not Tokens.find(settings) and not is_loopback(settings.host):
            allowed = f"a loopback address, or a token in {TOKEN_VARIABLE}"
            raise ConfigError([ConfigProblem("settings", 0, "host", settings.host, allowed)])
        return settings

    def _build(self, settings: ApiSettings, stack: ExitStack) -> FastAPI:
        """Everything but the server, closed again by `stack`."""
        if self._config is None:
            registry = stack.enter_context(Registry())
            self._keep_state(registry, settings, stack)
            alerting = Alerting(registry, read_settings(None))
        else:
            registry = stack.enter_context(Registry.from_file(self._config))
            self._keep_state(registry, settings, stack)
            alerting = Alerting.from_file(self._config, registry)
        stack.enter_context(alerting)
        path = Path(settings.audit_file) if settings.audit_file else None
        app = create_app(
            registry,
            alerting,
            settings=settings,
            access=Access(Tokens.find(settings)),
            audit=AuditLog(
                path, max_bytes=settings.audit_max_bytes, backups=settings.audit_backups
            ),
            demo_endpoints=self._demo_endpoints,
        )
        if registry.config is not None:
            registry.config.subscribe(AdminSection(app.state.admin))
        return app

    def _keep_state(self, registry: Registry, settings: ApiSettings, stack: ExitStack) -> None:
        """Before alerting looks at the breakers: what was open may still be."""
        if settings.state_file:
            autosaver = StateAutosaver(registry, settings.state_file, settings.state_interval)
            stack.enter_context(autosaver)

    def _serve(self, app: FastAPI, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_PATIENCE,
        )
        asyncio.run(Server(config, app.state.admin, self._announce).serve([listener]))
        _log.info("stopped", url=self.url)

    def _announce(self) -> None:
        print(f"breakerd listening on {self.url}", flush=True)  # noqa: T201 - for who waits for it
        _log.info("listening", url=self.url, config=str(self._config or "built-in defaults"))


class Server(uvicorn.Server):
    """uvicorn's server, which tells when it listens, reloads on SIGHUP, and ends event streams.

    It leaves the exit code to its caller, where uvicorn's own would end by the signal.
    """

    def __init__(self, config: uvicorn.Config, admin: Admin, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._admin = admin
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts, and says so."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, loop.run_in_executor, None, self._reload)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the streams first: nobody would wait for them in vain then."""
        self._admin.stopping = True
        await self._admin.feed.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes SIGTERM and SIGINT for a wish to stop, and not to die."""
        before = {
            number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: "FrameType | None") -> None:
        _log.info("stopping", signal=signal.Signals(number).name)
        self.handle_exit(number, frame)

    def _reload(self) -> None:
        if self._admin.registry.config is not None:
            self._admin.registry.config.reload()


class AdminSection:
    """The admin plane as a subscriber of the file: tokens and limits change while it runs."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    def owns(self, section: str) -> bool:
        """Return True for `[api]`, and for `[fleet]`, which is checked with it."""
        return section in {"api", "fleet"}

    def prepare(self, document: Document) -> Callable[[], None]:
        """Checks `[api]`, and reads the token files.

        Raises:
            ConfigError: every problem in it; or all tokens would be gone where one is needed.
        """
        settings = read_section(document)
        tokens = Tokens.find(settings)
        if self._admin.access.tokens and not tokens:
            found = "no token"
            allowed = "a token, as at the start; restart to do without"
            raise ConfigError([ConfigProblem(str(document.path), 0, "api", found, allowed)])

        def apply() -> None:
            self._admin.settings = settings
            self._admin.access.tokens = tokens

        return apply


def _listen(host: str, port: int) -> socket.socket:
    """A socket that is bound, so that nobody else takes the port before the server starts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    # Connections take it over. An answer's head and body are sent apart, and the body would wait
    # for the client's delayed acknowledgement, 40 ms; asyncio sees to that only where the socket
    # names its protocol, which one of create_server's does not.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
